import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Where Chromium is: `SOTTO_CHROMIUM`, or where Debian puts it; `undefined` when it is not there. */
export function findChromium(): string | undefined {
  const { SOTTO_CHROMIUM: named } = process.env;
  return [...(named ? [named] : []), ...places].find((place) => existsSync(place));
}

/** @throws {Error} when there is none, which says what to install */
export async function openChromium(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined) {
    throw new Error(
      'There is no Chromium: install it (on Debian `apt-get install chromium`), or name it in SOTTO_CHROMIUM.',
    );
  }
  // Root has no sandbox of its own in a container, where shared memory is small, too.
  const args = ['--disable-dev-shm-usage'];
  return chromium.launch({ executablePath, args, chromiumSandbox: process.getuid?.() !== 0 });
}
