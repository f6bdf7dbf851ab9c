/** Every format of a report by its name; a renderer is loaded when it is asked for. */

import type { Renderer } from "./export.ts";

const RENDERERS = {
  text: async () => (await import("./text.ts")).renderText,
  json: async () => (await import("./json.ts")).renderJson,
  jsonl: async () => (await import("./jsonl.ts")).renderJsonl,
  junit: async () => (await import("./junit.ts")).renderJunit,
  sarif: async () => (await import("./sarif.ts")).renderSarif,
  github: async () => (await import("./github.ts")).renderGithub,
  gitlab: async () => (await import("./gitlab.ts")).renderGitlab,
  markdown: async () => (await import("./markdown.ts")).renderMarkdown,
  html: async () => (await import("./html/page.ts")).renderHtml,
  csv: async () => (await import("./csv.ts")).renderCsv,
} satisfies Record<string, () => Promise<Renderer>>;

export type Format = keyof typeof RENDERERS;

/** Names, the default first. */
export const FORMATS = Object.keys(RENDERERS) as Format[];

/** The renderer of a format: a report and options in, text out. */
export function rendererOf(format: Format): Promise<Renderer> {
  return RENDERERS[format]();
}
