// The gateway's demo page in a real browser: chat between two visitors, every kind of RPC, and a
// server that dies, freezes and comes back.
//
//   GATEWAY_BIN     the grpc-websocket-gateway binary (required)
//   CHROMIUM        the browser (default: /usr/bin/chromium)
//   SCREENSHOT_DIR  where to save screenshots (default: nowhere)

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, suite, test } from "node:test";
import { chromium } from "playwright-core";
import { Gateway } from "./gateway.mjs";

const CHROMIUM_ARGS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];
const TIMEOUT_MS = 15_000;
/** The page probes every 10 s and waits 5 s for the answer. */
const FREEZE_TIMEOUT_MS = 30_000;

suite("demo page", { timeout: 240_000 }, () => {
  let gateway, browser, contexts;

  before(async () => {
    browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: CHROMIUM_ARGS,
    });
  });
  after(() => browser?.close());

  beforeEach(async () => {
    contexts = [];
    gateway = await Gateway.start();
  });
  afterEach(async () => {
    await Promise.all(contexts.map((context) => context.close()));
    await gateway?.kill();
  });

  /** Opens the page as a visitor of its own, and waits until it says that the server is up. */
  async function visit(options = {}) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    contexts.push(context);
    const page = await context.newPage();
    page.setDefaultTimeout(TIMEOUT_MS);
    page.complaints = [];
    page.on("console", (line) => line.type() === "error" && page.complaints.push(line.text()));
    page.on("pageerror", (error) => page.complaints.push(String(error)));
    await page.goto(gateway.url);
    await state(page, "up");
    return page;
  }

  const state = (page, name) =>
    page.locator(`[data-testid=server][data-state=${name}]`).waitFor({ timeout: FREEZE_TIMEOUT_MS });

  const inside = (page) => page.locator("[data-testid=chat][data-state=inside]").waitFor();

  async function joinChat(page, name) {
    await page.getByTestId("chat-name").fill(name);
    await page.getByTestId("chat-join").click();
    await inside(page);
  }

  async function say(page, text) {
    await page.getByTestId("chat-text").fill(text);
    await page.getByTestId("chat-send").click();
  }

  const hears = (page, text) =>
    page.getByTestId("chat-log").locator("li", { hasText: text }).first().waitFor();

  /** Waits for a card's status line to name the code. */
  const ends = (page, card, code) =>
    page.getByTestId(`${card}-status`).locator(".badge", { hasText: code }).waitFor();

  const received = (page, card) =>
    page.getByTestId(`${card}-messages`).locator(".received bdi").allTextContents();

  const receives = (page, card, text) =>
    page.getByTestId(`${card}-messages`).locator(".received bdi", { hasText: text }).waitFor();

  async function send(page, card, ...texts) {
    for (const text of texts) {
      await page.getByTestId(`${card}-text`).fill(text);
      await page.getByTestId(`${card}-send`).click();
    }
  }

  async function screenshot(page, name) {
    const { SCREENSHOT_DIR } = process.env;
    if (!SCREENSHOT_DIR) return;
    await page.screenshot({ path: join(SCREENSHOT_DIR, `${name}.png`), fullPage: true });
  }

  test("two visitors chat", async () => {
    const [ada, bob] = [await visit(), await visit()];
    await joinChat(ada, "Ada");
    await joinChat(bob, "Bob");
    await hears(ada, "Bob joined");
    assert.deepEqual(await bob.getByTestId("chat-people").locator("li").allTextContents(),
      ["Ada", "Bob (you)"]);

    await say(ada, "hello, Grüße, 你好 🎉");
    await hears(bob, "hello, Grüße, 你好 🎉");
    await say(bob, "<b>not bold</b>");
    await hears(ada, "<b>not bold</b>");
    assert.equal(await ada.locator("b").count(), 0);
    await screenshot(ada, "chat");

    await bob.getByTestId("chat-leave").click();
    await hears(ada, "Bob left");
    assert.deepEqual([...ada.complaints, ...bob.complaints], []);
  });

  test("a visitor who closes the tab has left the chat", async () => {
    const [ada, bob] = [await visit(), await visit()];
    await joinChat(ada, "Ada");
    await joinChat(bob, "Bob");
    await bob.close();
    await hears(ada, "Bob left");
  });

  test("all four kinds of RPC", async () => {
    const page = await visit({ colorScheme: "dark" });

    await send(page, "unary", "hello");
    await ends(page, "unary", "OK");
    assert.deepEqual(await received(page, "unary"), ["hello"]);

    await page.getByTestId("server-stream-count").fill("3");
    await page.getByTestId("server-stream-interval").fill("20");
    await send(page, "server-stream", "tick");
    await ends(page, "server-stream", "OK");
    assert.deepEqual(await received(page, "server-stream"), ["1: tick", "2: tick", "3: tick"]);

    await send(page, "client-stream", "one", "two");
    await page.getByTestId("client-stream-finish").click();
    await ends(page, "client-stream", "OK");
    assert.deepEqual(await received(page, "client-stream"), ["2 collected: one, two"]);

    await send(page, "bidi", "ping");
    await receives(page, "bidi", "1: ping");
    await send(page, "bidi", "pong");
    await receives(page, "bidi", "2: pong");
    await page.getByTestId("bidi-finish").click();
    await ends(page, "bidi", "OK");

    await screenshot(page, "rpcs-dark");
    assert.deepEqual(page.complaints, []);
  });

  test("errors and cancellation are shown", async () => {
    const page = await visit({ viewport: { width: 390, height: 844 } });

    await page.getByTestId("unary-fail").click();
    await ends(page, "unary", "INVALID_ARGUMENT");
    const reason = await page.getByTestId("unary-status").locator(".reason").textContent();
    assert.match(reason, /1001 characters, at most 1000/);

    // Longer than one WebSocket message may be.
    await send(page, "bidi", "x".repeat(50_000));
    await ends(page, "bidi", "INVALID_ARGUMENT");

    await page.getByTestId("server-stream-count").fill("1001");
    await send(page, "server-stream", "tick");
    await ends(page, "server-stream", "INVALID_ARGUMENT");

    await page.getByTestId("server-stream-count").fill("1000");
    await page.getByTestId("server-stream-interval").fill("10000");
    await send(page, "server-stream", "tick");
    await receives(page, "server-stream", "1: tick");
    await page.getByTestId("server-stream-cancel").click();
    await ends(page, "server-stream", "CANCELLED");
    await screenshot(page, "errors-narrow");
  });

  test("a dead server is shown, and the chat goes on when it is back", async () => {
    const page = await visit();
    await joinChat(page, "Ada");
    await say(page, "before");
    await hears(page, "before");
    await send(page, "bidi", "ping");
    await receives(page, "bidi", "1: ping");

    const { port } = gateway;
    await gateway.kill();
    await state(page, "down");
    const banner = page.getByTestId("banner");
    assert.match(await banner.textContent(), /The server is not reachable\. Reason: \S/);
    await ends(page, "bidi", "UNAVAILABLE");
    await hears(page, "Connection lost");
    assert.ok(await page.getByTestId("chat-text").isDisabled());
    await send(page, "unary", "anybody?");
    await ends(page, "unary", "UNAVAILABLE");
    await screenshot(page, "dead-server");
    await page.getByTestId("banner-now").click();
    await page.getByTestId("banner-retry").filter({ hasText: "Next attempt in" }).waitFor();

    gateway = await Gateway.start(port);
    await state(page, "up");
    await banner.waitFor({ state: "hidden" });
    await inside(page);
    await say(page, "after");
    await hears(page, "after");
  });

  test("a frozen server is found out", async () => {
    const page = await visit();
    await joinChat(page, "Ada");
    gateway.freeze();
    await state(page, "down");
    assert.match(await page.getByTestId("banner-reason").textContent(), /stopped answering/);
    gateway.thaw();
    await state(page, "up");
    await inside(page);
  });
});
