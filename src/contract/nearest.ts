/** Finds the name a user probably meant, for every "unknown …" message. */

/** The candidate closest to `name`, or null when none is close enough to be worth a guess. */
export function nearest(name: string, candidates: Iterable<string>): string | null {
  const wanted = name.toLowerCase();
  let best: string | null = null;
  let bestDistance = Math.max(1, Math.floor(wanted.length * 0.4)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(wanted, candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best ?? completed(wanted, candidates);
}

/** The shortest candidate that goes on where `name` ends (`warn`: warning), or that it begins with (`minimum`: min). */
function completed(wanted: string, candidates: Iterable<string>): string | null {
  const begins = (a: string, b: string) => b.length >= 3 && a.startsWith(b);
  const found = [...candidates].filter((candidate) => {
    const known = candidate.toLowerCase();
    return begins(known, wanted) || begins(wanted, known);
  });
  return found.sort((a, b) => a.length - b.length)[0] ?? null;
}

/** `, did you mean "select"?`, or nothing. */
export function didYouMean(name: string, candidates: Iterable<string>, prefix = ""): string {
  const found = nearest(name, candidates);
  return found === null ? "" : `, did you mean "${prefix}${found}"?`;
}

/** Insertions, deletions, replacements and swaps of neighbours that turn one text into the other. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(replaced, last[j]! + 1, row[j - 1]! + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        row[j] = Math.min(row[j]!, beforeLast[j - 2]! + 1);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
