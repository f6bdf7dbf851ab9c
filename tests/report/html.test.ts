/** The HTML report, opened in a real browser: it loads nothing, can be used by keyboard, and no value does anything. */

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Report } from "../../src/contract/report.ts";
import { renderHtml } from "../../src/report/html/page.ts";
import { browserPath, startBrowser } from "../kit/browser.ts";
import { temporaryFolder } from "../kit/command.ts";
import { access, empty, hostile, typical, way } from "./reports.ts";

const REPORTS = { empty, typical, hostile };
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

describe("the HTML report as text", () => {
  test.each(Object.entries(REPORTS))("of an audit that is %s", (_, report) => {
    expect(renderHtml(report)).toMatchSnapshot();
  });

  test("draws the flow of thousands of tables and functions in a bounded page and tells what is cut", () => {
    const tables = Array.from({ length: 3000 }, (_, i) => ({
      table: `t${i}`,
      rows: null,
      findings: [],
      accesses: Array.from({ length: 40 }, (_, n) =>
        access(n % 2 === 0 ? "read" : "write", `f${n}`, "a.py", {
          line: n,
          ways: Array.from({ length: 20 }, (_, w) => way("route", `GET /${w}`)),
        }),
      ),
    }));
    const page = renderHtml({
      ...empty,
      flow: { tables, cut: { tables: 5, accesses: 6, ways: 7 } },
    });
    expect(page.length).toBeLessThan(3_000_000);
    expect(page).toContain("Not drawn: 2,940 pictures, 5 tables, 6 accesses, 7 ways from an entry.");
    expect(page).toContain("24 more functions and 4 more entry points are not drawn");
  });

  test("draws no page whose routes found no room, and counts it", () => {
    const routes = Array.from({ length: 16 }, (_, i) => way("route", `GET /${i}`));
    const page = (name: string, ...called: string[]) => way("page", name, called);
    const ways = [page("/seen", "GET /3"), ...routes, way("route", "GET /late"), page("/lost", "GET /gone")];
    const accesses = [access("read", "f", "a.py", { ways })];
    const text = renderHtml({
      ...empty,
      flow: {
        tables: [{ table: "t", rows: null, findings: [], accesses }],
        cut: { tables: 0, accesses: 0, ways: 0 },
      },
    });
    const drawn = /<svg class="flow" [\s\S]*?<\/svg>/.exec(text)![0];
    expect(drawn).toContain(">/seen<");
    expect(drawn).not.toContain("/lost");
    expect(text).toContain("2 more entry points are not drawn");
  });

  test("stays bounded with 20,000 findings and says what it left out", () => {
    const page = renderHtml(manyFindings(20_000));
    expect(page.length).toBeLessThan(10_000_000);
    expect(page).toContain("18,000 more findings stand in the JSON report");
  });
});

describe.skipIf(browserPath() === null)("the HTML report in a browser", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser(browserPath() as string);
  });
  afterAll(() => browser?.close());

  /** Opens the report and collects whatever the page complains about or asks for. */
  async function opened(
    report: Report,
    work: (page: Page) => Promise<void>,
    options: BrowserContextOptions = {},
  ): Promise<void> {
    const file = join(temporaryFolder(), "report.html");
    writeFileSync(file, renderHtml(report));
    const context = await browser.newContext(options);
    try {
      const page = await context.newPage();
      const trouble: string[] = [];
      page.on("console", (message) => trouble.push(message.text()));
      page.on("pageerror", (error) => trouble.push(String(error)));
      page.on("dialog", (dialog) => trouble.push(`dialog ${dialog.message()}`));
      page.on("request", (request) => {
        if (request.url() !== `file://${file}`) trouble.push(`request ${request.url()}`);
      });
      await page.goto(`file://${file}`);
      await work(page);
      expect(trouble).toEqual([]);
    } finally {
      await context.close();
    }
  }

  test.each(
    Object.keys(REPORTS).flatMap((name) =>
      (["light", "dark"] as const).flatMap((scheme) =>
        [1100, 390].map((width) => [name, scheme, width] as const),
      ),
    ),
  )("%s, %s, %i wide: no request, no error, nothing that axe finds serious", async (name, scheme, width) => {
    await opened(
      REPORTS[name as keyof typeof REPORTS],
      async (page) => {
        await page.evaluate(axe);
        const violations = await page.evaluate("axe.run().then((result) => result.violations)");
        expect(violations).toEqual([]);
        const overflow = await page.evaluate(
          "document.documentElement.scrollWidth - document.documentElement.clientWidth",
        );
        expect(overflow).toBe(0);
      },
      // axe needs to be put into the page, which the page's own policy forbids.
      { colorScheme: scheme, viewport: { width, height: 900 }, bypassCSP: true },
    );
  });

  test("hostile values are text and nothing else", async () => {
    await opened(hostile, async (page) => {
      await page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true");
      expect(await page.locator("script").count()).toBe(1);
      expect(await page.locator("img, iframe, object, embed, link, form[action]").count()).toBe(0);
      expect(await page.evaluate("document.querySelectorAll('[onerror],[onload],[onclick]').length")).toBe(0);
    });
  });

  test("its own policy stops a script that is not its own", async () => {
    const file = join(temporaryFolder(), "report.html");
    writeFileSync(
      file,
      renderHtml(typical).replace("</body>", "<script>document.title = 'taken'</script></body>"),
    );
    const page = await browser.newPage();
    await page.goto(`file://${file}`);
    expect(await page.title()).not.toBe("taken");
    await page.close();
  });

  test("search, check and severity filter what is shown, by keyboard alone", async () => {
    await opened(typical, async (page) => {
      const shown = () => page.locator("[data-finding]:visible").count();
      const all = await shown();
      expect(all).toBe(typical.findings.length);
      await page.keyboard.press("/");
      await page.keyboard.type(typical.findings[0]!.check);
      const found = typical.findings.filter((f) =>
        JSON.stringify(f).includes(typical.findings[0]!.check),
      ).length;
      expect(await shown()).toBe(found);
      expect(await page.locator("#told").textContent()).toBe(`${found} of ${all} shown`);
      await page.locator("#search").fill("");
      await page.locator("input[value=warning]").press("Space");
      expect(await shown()).toBe(typical.findings.filter((f) => f.severity !== "warning").length);
    });
  });

  test("is readable without its script, and a card opens", async () => {
    await opened(
      typical,
      async (page) => {
        expect(await page.locator("#filters").isVisible()).toBe(false);
        const last = page.locator("[data-finding]").last();
        await last.locator("summary").click();
        expect(await last.locator("pre").isVisible()).toBe(true);
      },
      { javaScriptEnabled: false },
    );
  });

  test("the data flow is drawn on a screen, told in words on a phone, and its findings open", async () => {
    const drawing = ".flow-group[open] svg.flow";
    const words = ".flow-group[open] .flow-text";
    await opened(typical, async (page) => {
      expect(await page.locator(drawing).isVisible()).toBe(true);
      expect((await page.locator(words).boundingBox())?.width).toBeLessThanOrEqual(1);
      expect(await page.locator(`${drawing} .edge.read.broken`).count()).toBe(1);
      expect(await page.locator(`${drawing} .edge.write.broken`).count()).toBe(0);
      const card = page.locator("#f-feedfacefeedface");
      await page.locator("#search").fill("nothing has this");
      expect(await card.isVisible()).toBe(false);
      await page.locator('.flow-group a[href="#f-feedfacefeedface"]').press("Enter");
      expect(await card.locator("pre").isVisible()).toBe(true);
    });
    await opened(
      typical,
      async (page) => {
        expect(await page.locator(drawing).isVisible()).toBe(false);
        expect(await page.locator(words).textContent()).toContain("✖ broken: read by read_usage");
      },
      { viewport: { width: 390, height: 800 } },
    );
  });

  test("everything that is folded is printed", async () => {
    await opened(typical, async (page) => {
      const folded = () => page.locator("[data-finding]:not([open]), [data-flow]:not([open])").count();
      expect(await folded()).toBeGreaterThan(0);
      await page.evaluate("dispatchEvent(new Event('beforeprint'))");
      expect(await folded()).toBe(0);
      await page.evaluate("dispatchEvent(new Event('afterprint'))");
      expect(await folded()).toBeGreaterThan(0);
    });
  });

  test("2,000 of 5,000 findings are shown and filtered", async () => {
    await opened(manyFindings(5000), async (page) => {
      await page.locator("#search").fill("table_1999");
      expect(await page.locator("[data-finding]:visible").count()).toBe(1);
    });
  });
});

test.runIf(browserPath() === null)("a browser is installed for these tests where CI runs", () => {
  expect(process.env.CI, "apt-get install chromium").not.toBe("true");
});

function manyFindings(count: number): Report {
  const one = typical.findings[0]!;
  return {
    ...typical,
    findings: Array.from({ length: count }, (_, i) => ({
      ...one,
      target: `db.table_${i}`,
      fingerprint: `${i}`,
    })),
  };
}
