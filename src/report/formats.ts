/** Every format of a report by its name; a renderer is loaded when it is asked for. */

import type { Report } from "../contract/report.ts";
import { type ExportOptions, type Renderer, shownFindings } from "./export.ts";

const RENDERERS = {
  text: async () => (await import("./text.ts")).renderText,
  json: async () => {
    const { renderJson } = await import("./json.ts");
    return (report, options) => renderJson(shown(report, options));
  },
  jsonl: async () => (await import("./jsonl.ts")).renderJsonl,
  junit: async () => (await import("./junit.ts")).renderJunit,
  sarif: async () => (await import("./sarif.ts")).renderSarif,
  github: async () => (await import("./github.ts")).renderGithub,
  gitlab: async () => (await import("./gitlab.ts")).renderGitlab,
  markdown: async () => (await import("./markdown.ts")).renderMarkdown,
  html: async () => {
    const { renderHtml } = await import("./html/page.ts");
    return (report, options) => renderHtml(shown(report, options));
  },
  csv: async () => (await import("./csv.ts")).renderCsv,
} satisfies Record<string, () => Promise<Renderer>>;

/** The report with the findings that `--severity` shows; its summary still counts all. */
function shown(report: Report, options: ExportOptions): Report {
  return { ...report, findings: shownFindings(report, options) };
}

export type Format = keyof typeof RENDERERS;

/** Names, the default first. */
export const FORMATS = Object.keys(RENDERERS) as Format[];

/** The renderer of a format: a report and options in, text out. */
export function rendererOf(format: Format): Promise<Renderer> {
  return RENDERERS[format]();
}
