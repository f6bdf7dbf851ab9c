/** A real browser (Debian's Chromium) for pages that people open. */

import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Where a browser is installed, or null. */
export function browserPath(): string | null {
  return PLACES.find((path) => existsSync(path)) ?? null;
}

/** Starts it without a window and without any request of its own. */
export function startBrowser(path: string): Promise<Browser> {
  return chromium.launch({
    executablePath: path,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}
