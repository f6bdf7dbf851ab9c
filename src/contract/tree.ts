/** Which input a file of source code belongs to, and what leads to it, also when several trees were read. */

import type { Input } from "./evidence.ts";

/** The tree that holds a file as the facts name it: of trees within each other, the inner one. */
export function treeOf(inputs: readonly Input[], file: string): Input | undefined {
  const holds = ({ root }: Input) =>
    root !== undefined && (root === "" || root === file || file.startsWith(`${root}/`));
  return inputs.filter(holds).sort((a, b) => (b.root as string).length - (a.root as string).length)[0];
}

/** The path of a file of an input, beginning as the input's own path does. */
export function pathOf({ path, root }: Pick<Input, "path" | "root">, file: string): string {
  if (root === undefined) return path === file || path.endsWith(`/${file}`) ? path : `${path}/${file}`;
  if (root === file) return path;
  return `${path}/${root === "" ? file : file.slice(root.length + 1)}`;
}
