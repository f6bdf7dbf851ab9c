/** From a file's text to its ModuleIR, whatever its language. */

import type { SourceFile } from "../files.ts";
import type { Language, ModuleIR } from "../ir.ts";
import { parse, type Syntax } from "../syntax.ts";
import { emptyModule } from "./builder.ts";
import { lowerGo } from "./go.ts";
import { lowerJavaScript } from "./javascript.ts";
import { lowerPython } from "./python.ts";

type Lower = (file: string, language: Language, isTest: boolean, syntax: Syntax) => ModuleIR;

const LOWERED: Partial<Record<Language, { grammar: string; lower: Lower }>> = {
  // The TSX grammar reads JSX and, unlike the JavaScript one, Flow-like annotations too; plain JavaScript has its own.
  javascript: { grammar: "javascript", lower: lowerJavaScript },
  typescript: { grammar: "typescript", lower: lowerJavaScript },
  tsx: { grammar: "tsx", lower: lowerJavaScript },
  python: { grammar: "python", lower: lowerPython },
  go: { grammar: "go", lower: lowerGo },
};

/** Reads one file's text; .sql and .prisma keep it for the stages that understand them. */
export async function lowerFile(source: SourceFile, text: string): Promise<ModuleIR> {
  const how = LOWERED[source.language];
  if (!how) return { ...emptyModule(source.file, source.language, source.isTest), text };
  return how.lower(source.file, source.language, source.isTest, await parse(how.grammar, text));
}
