// What `#platform` looks like to the neutral sources: declared here, made in platform.node.ts.
export {};
