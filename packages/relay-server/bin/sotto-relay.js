#!/usr/bin/env node
// Stands in the repository because npm links a command at installation, before anything is built; it does nothing but start what is.
import '../dist/bin.js';
