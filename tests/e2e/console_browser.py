"""A browser that looks at the console, and keeps what must not happen there: errors, refused content, things that move."""

from playwright.sync_api import expect, sync_playwright

CHROMIUM = "/usr/bin/chromium"
WAIT_MS = 8_000

# Counts in every page what the browser itself notices.
WATCH = """
window.watched = { shift: 0, refused: [] };
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.watched.shift += entry.value;
}).observe({ type: 'layout-shift', buffered: true });
document.addEventListener('securitypolicyviolation', (event) => {
  window.watched.refused.push(`${event.violatedDirective} ${event.blockedURI}`);
});
"""


class Browser:
    """Chromium without a window; a context of it is a person with a session of their own."""

    def __enter__(self):
        self.playwright = sync_playwright().start()
        # The sandbox needs what containers do not give; what is opened here is our own.
        self.chromium = self.playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        expect.set_options(timeout=WAIT_MS)
        return self

    def __exit__(self, kind, error, trace):
        self.chromium.close()
        self.playwright.stop()

    def person(self, server, **options):
        return Person(self.chromium, f"http://127.0.0.1:{server.admin_port}", options)


class Person:
    def __init__(self, chromium, base, options):
        self.base = base
        self.errors = []
        self.context = chromium.new_context(viewport={"width": 1280, "height": 900}, **options)
        self.context.set_default_timeout(WAIT_MS)
        self.context.add_init_script(WATCH)
        self.page = self.context.new_page()
        self.page.on("console", self.note_message)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def note_message(self, message):
        # The browser reports every answer of 400 and above, also those that the console expects and explains.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.errors.append(message.text)

    def open(self, path, heading=None):
        """Opens an address as if it had been typed, and waits until its page is there."""
        self.page.goto(self.base + path)
        self.settled(heading)

    def settled(self, heading=None):
        expect(self.page.locator("main:not([aria-busy]) h1")).to_be_visible()
        if heading is not None:
            expect(self.page.locator("main h1")).to_have_text(heading)

    def log_in(self, token=None, user=None, password=None):
        self.open("/", "Sign in")
        for label, value in [("Token", token), ("User", user), ("Password", password)]:
            if value is not None:
                self.page.get_by_label(label).fill(value)
        self.button("Sign in").click()

    def button(self, name, inside=None):
        return (inside or self.page).get_by_role("button", name=name, exact=True)

    def row(self, table, text):
        """The row of a table that has this text."""
        return self.page.get_by_role("table", name=table, exact=True).get_by_role("row").filter(has_text=text)

    def rows(self, table):
        return self.page.get_by_role("table", name=table, exact=True).locator("tbody tr")

    def confirm(self, verb, fill=None):
        """Waits for what the dialog says that it would do, and does it. Gives the command that was shown."""
        dialog = self.page.get_by_role("dialog")
        for name, value in (fill or {}).items():
            dialog.locator(f"[name={name}]").fill(value)
        submit = self.button(verb, dialog)
        expect(submit).to_be_enabled()
        command = dialog.locator(".preview code").inner_text()
        submit.click()
        expect(dialog).to_have_count(0)
        return command

    def toast(self):
        return self.page.locator(".toast").last

    def evaluate(self, script):
        return self.page.evaluate(script)

    def text(self, selector):
        return self.page.locator(selector).inner_text()

    def fact(self, label):
        return self.page.locator(".facts > div", has=self.page.locator("dt", has_text=label)).locator("dd")

    def close(self):
        self.context.close()
