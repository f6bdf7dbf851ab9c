/** Seeded sources with nothing wrong in them, of every kind that could fool a statistic of time. */

import type { Activity, Bucket } from "../../src/analysis/activity.ts";
import { office, poisson, random, seconds } from "./times.ts";

const HOUR = 3600;
const DAY = 86400;

/** When a source began in these tests: a Monday. */
export const START = seconds("2025-03-03 00:00:00");

type Next = () => number;
const between = (next: Next, low: number, high: number) => low + next() * (high - low);
const logBetween = (next: Next, low: number, high: number) =>
  Math.exp(between(next, Math.log(low), Math.log(high)));
const normal = (next: Next) => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
/** Gamma with shape k ≤ 1 or small integers, mean 1: how days differ from each other. */
const gamma = (next: Next, shape: number) =>
  [...Array(shape).keys()].reduce((sum) => sum - Math.log(1 - next()), 0) / shape;

/** Each family draws its own size, rhythm and noise from `next` and returns times in seconds. */
export const FAMILIES: Record<string, (next: Next) => number[]> = {
  "always on": (next) => poisson(next, START, START + between(next, 3, 60) * DAY, logBetween(next, 0.5, 20)),
  "day and night": (next) => {
    const phase = between(next, 0, 24);
    const rate = logBetween(next, 2, 20);
    return poisson(
      next,
      START,
      START + between(next, 10, 60) * DAY,
      rate,
      (at) => rate * Math.max(0, Math.sin(((at / HOUR + phase) / 24) * 2 * Math.PI)) ** 2,
    );
  },
  "office hours": (next) => {
    const shift = Math.round(between(next, -12, 12));
    const rate = logBetween(next, 3, 40);
    return poisson(next, START, START + between(next, 9, 80) * DAY, rate, (at) => rate * office(at, shift));
  },
  "office hours with noisy days": (next) => {
    const rate = logBetween(next, 3, 20);
    const days = [...Array(100).keys()].map(() => Math.min(4, gamma(next, 2)));
    return poisson(
      next,
      START,
      START + between(next, 14, 90) * DAY,
      rate * 4,
      (at) => rate * office(at, 1, 0.01) * days[Math.floor((at - START) / DAY)]!,
    );
  },
  "office hours over a change of the clocks": (next) => {
    const rate = logBetween(next, 5, 30);
    const change = START + between(next, 20, 35) * DAY;
    const step = next() < 0.5 ? 1 : -1;
    return poisson(
      next,
      START,
      START + 60 * DAY,
      rate,
      (at) => rate * office(at, at > change ? 8 + step : 8),
    );
  },
  growth: (next) => {
    const daily = between(next, 1.01, 1.08);
    const days = between(next, 30, 80);
    const most = between(next, 10, 40);
    return poisson(
      next,
      START,
      START + days * DAY,
      most,
      (at) => most * daily ** ((at - START) / DAY - days),
    );
  },
  decline: (next) => {
    const daily = between(next, 0.95, 0.99);
    const rate = between(next, 10, 30);
    return poisson(
      next,
      START,
      START + between(next, 30, 60) * DAY,
      rate,
      (at) => rate * daily ** ((at - START) / DAY),
    );
  },
  "bursts of work": (next) =>
    poisson(next, START, START + between(next, 20, 200) * DAY, between(next, 0.02, 0.3)).flatMap((at) =>
      poisson(next, at, at + between(next, 0.1, 5) * HOUR, between(next, 5, 60)),
    ),
  "one person at work": (next) =>
    [...Array(Math.round(between(next, 20, 120))).keys()].flatMap((day) => {
      const weekend = day % 7 >= 5;
      if (next() < (weekend ? 0.8 : 0.15)) return [];
      const from = START + day * DAY + (9 + 1.5 * normal(next)) * HOUR;
      return poisson(next, from, from + between(next, 1, 9) * HOUR, between(next, 1, 30));
    }),
  "heavy-tailed pauses": (next) => {
    const times: number[] = [];
    const tail = between(next, 1.3, 2.5);
    for (let at = START; times.length < 1500 && at < START + 200 * DAY; ) {
      at += 120 * (1 - next()) ** (-1 / tail);
      times.push(at);
    }
    return times;
  },
  sparse: (next) => poisson(next, START, START + between(next, 50, 300) * DAY, between(next, 0.005, 0.05)),
  "daily job": (next) => {
    const jitter = between(next, 0, 1200);
    return [...Array(Math.round(between(next, 25, 200))).keys()].map(
      (day) => START + day * DAY + 3 * HOUR + jitter * next(),
    );
  },
  "weekly job": (next) =>
    [...Array(Math.round(between(next, 21, 60))).keys()].flatMap((week) =>
      poisson(next, START + week * 7 * DAY, START + week * 7 * DAY + HOUR, between(next, 1, 50)),
    ),
  "every five minutes": (next) =>
    [...Array(Math.round(between(next, 500, 8000))).keys()].map((i) => START + i * 300 + 20 * next()),
  "one spike": (next) => {
    const rate = logBetween(next, 1, 10);
    const from = START + between(next, 8, 20) * DAY;
    return [
      ...poisson(next, START, START + 30 * DAY, rate),
      ...poisson(next, from, from + between(next, 0.5, 12) * HOUR, rate * between(next, 5, 40)),
    ].sort((a, b) => a - b);
  },
  "a few hours": (next) =>
    poisson(next, START + 9 * HOUR, START + between(next, 10, 18) * HOUR, logBetween(next, 20, 600)),
};

/** A healthy source of a family; the same seed gives the same one. */
export function healthy(family: string, seed: number): number[] {
  const next = random(seed * 7919 + family.length * 104729 + family.charCodeAt(0));
  return FAMILIES[family]!(next);
}

/** What `activityOf` would read of these times (sorted). */
export function activityFrom(times: readonly number[]): Activity {
  const span = (times.at(-1) ?? 0) - (times[0] ?? 0);
  const width = [1, 10, 60, 300, 900, 3600, 21600, 86400].find((w) => span / w <= 20_000) ?? 604800;
  const buckets: Bucket[] = [];
  let current = Number.NaN;
  for (const time of times) {
    const index = Math.floor(time / width);
    if (index !== current) buckets.push({ first: time, last: time, n: 0 });
    current = index;
    const bucket = buckets.at(-1)!;
    bucket.last = time;
    bucket.n++;
  }
  return { width, buckets, total: times.length };
}
