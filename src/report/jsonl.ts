/** One finding a line, as it stands in the JSON report. */

import { type Renderer, shownFindings } from "./export.ts";
import { stringify } from "./json.ts";

export const renderJsonl: Renderer = (report, options) =>
  shownFindings(report, options)
    .map((finding) => `${stringify(finding)}\n`)
    .join("");
