"""The pages that a person sees: the question of consent, and what went wrong. HTML without scripts or anything from elsewhere.

What belongs here: HTML, its style, and the headers that guard it. What does not: what the answer leads to (`_authorize`).
"""

import base64
import hashlib
from collections.abc import Iterable
from html import escape

from .._values.http import HTTPResponse
from ._replies import NO_STORE
from ._scopes import label

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --quiet: #4a5260; --line: #c4cad3 }
:root { --strong: #0b5cad; --on-strong: #fff }
@media (prefers-color-scheme: dark) {
  :root { --ink: #eceff4; --paper: #16191e; --quiet: #b3bcc9; --line: #4a5260; --strong: #8cc2ff; --on-strong: #0b1a2b }
}
* { box-sizing: border-box }
body { margin: 0; padding: 2rem 1rem; font: 1.0625rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper) }
main { max-width: 34rem; margin: 0 auto }
h1 { font-size: 1.5rem; line-height: 1.25; overflow-wrap: anywhere }
h2 { font-size: 1.0625rem; margin-bottom: 0 }
ul { padding-left: 1.25rem }
li { margin: .35rem 0 }
code, .quiet { color: var(--quiet); font-size: .875rem; overflow-wrap: anywhere }
.choices { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.75rem 0; padding: 0; border: 0 }
legend { padding: 0; margin-bottom: .75rem; font-weight: 600 }
button { min-height: 2.75rem; min-width: 8rem; padding: .5rem 1.25rem; font: inherit; font-weight: 600 }
button { border: 2px solid var(--strong); color: var(--strong); background: transparent; border-radius: .5rem; cursor: pointer }
button[value=approve] { color: var(--on-strong); background: var(--strong) }
:focus-visible { outline: 3px solid var(--ink); outline-offset: 3px }
.note { border-top: 1px solid var(--line); padding-top: 1rem }
""".strip()
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

# No form-action: browsers apply it to the redirect after the form too, and that leads to the application.
_POLICY = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'"
GUARDS = (
    ("Content-Security-Policy", _POLICY),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    *NO_STORE,
)


def html(status: int, title: str, main: str) -> HTTPResponse:
    """A whole page; `main` is HTML, `title` is text."""
    page = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n{main}\n</main>\n</body>\n</html>\n"
    )
    kind = ("Content-Type", "text/html; charset=utf-8")
    return HTTPResponse(status=status, headers=(kind, *GUARDS), body=page.encode())


def consent_page(*, app: str, user: str, scopes: Iterable[str], destination: str, form_token: str, action: str) -> HTTPResponse:
    """The question: may this application have these permissions?

    Args:
        app: name of the application.
        user: who is asked.
        scopes: names of the permissions.
        destination: where the browser goes afterwards, as the person may recognise it.
        form_token: proves that the answer comes from this page.
        action: path that takes the answer.
    """
    permissions = "\n".join(f"<li>{escape(label(name))}<br><code>{escape(name)}</code></li>" for name in scopes)
    main = f"""<h1>Let <bdi>{escape(app)}</bdi> use your TropiPay account?</h1>
<p>You are signed in as <strong>{escape(user)}</strong>.</p>
<h2 id="asks">The application asks to:</h2>
<ul aria-labelledby="asks">
{permissions}
</ul>
<form method="post" action="{escape(action)}">
<input type="hidden" name="form_token" value="{escape(form_token)}">
<fieldset class="choices" aria-describedby="afterwards">
<legend>Your decision</legend>
<button type="submit" name="decision" value="approve">Approve</button>
<button type="submit" name="decision" value="deny">Deny</button>
</fieldset>
</form>
<p id="afterwards" class="quiet">Either way you go back to <bdi>{escape(destination)}</bdi>.
Approve only if you began this there.</p>
<p class="note quiet">This is a sandbox: the account, its owner and its money are invented.</p>"""
    return html(200, f"Let {app} use your TropiPay account?", main)


def error_page(status: int, what: str) -> HTTPResponse:
    """What went wrong, told to the person. The browser is never sent on from here (RFC 6749 §4.1.2.1)."""
    main = f"""<h1>This request cannot be answered</h1>
<p>{escape(what)}</p>
<p>Nothing was shared with any application. Close this page, go back to the application and begin again there.</p>"""
    return html(status, "This request cannot be answered", main)
