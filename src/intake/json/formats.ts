/** The JSON formats that are known. Asked in this order: the first that recognises the records has them. */

import { aider } from "./aider.ts";
import { claudeCode } from "./claude-code.ts";
import { codex } from "./codex.ts";
import type { JsonFormat } from "./format.ts";
import { langfuse } from "./langfuse.ts";
import { langsmith } from "./langsmith.ts";
import { opencode } from "./opencode.ts";
import { otlp } from "./otlp.ts";
import { phoenix } from "./phoenix.ts";

export const FORMATS: readonly JsonFormat[] = [
  otlp,
  claudeCode,
  codex,
  opencode,
  langfuse,
  langsmith,
  phoenix,
  aider,
];
