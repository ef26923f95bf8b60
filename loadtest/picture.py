"""A picture of a comparison: CPU time per request beside HAProxy's, a line for each scenario."""

from xml.sax.saxutils import escape

LEFT, RIGHT, TOP, LINE = 170, 30, 96, 30
WIDTH = 860
# What lies beyond is drawn at the edge, with its figure.
MOST = 3.0
COLOURS = {
    "ringress io_uring": "#d6336c", "ringress epoll": "#f08c00", "haproxy": "#1971c2",
    "nginx": "#2f9e44", "relay io_uring": "#495057", "relay epoll": "#868e96",
    "pingora": "#7048e8", "caddy": "#0c8599", "sozu": "#a61e4d", "traefik": "#5c940d",
}  # fmt: skip


def draw(ratios, machine):
    """`ratios` maps a scenario's title to names and what they take where HAProxy takes 1."""
    names = [name for name in COLOURS if any(one.get(name) for one in ratios.values())]
    height = TOP + LINE * len(ratios) + 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        text(16, 24, "CPU time per request, HAProxy = 1 (less is better)", size=16),
        text(16, 44, machine, colour="#868e96"),
        *legend(names),
        *axis(TOP, TOP + LINE * len(ratios)),
    ]
    for number, (title, found) in enumerate(ratios.items()):
        y = TOP + LINE * number + LINE / 2
        parts.append(text(LEFT - 12, y + 4, title, anchor="end"))
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}" stroke="#e9ecef"/>')
        # Ours last, and so on top.
        for name in reversed(names):
            if found.get(name):
                parts += dot(name, found[name], y)
    return "\n".join([*parts, "</svg>", ""])


def place(ratio):
    return LEFT + (WIDTH - LEFT - RIGHT) * min(ratio, MOST) / MOST


def dot(name, ratio, y):
    x, own = place(ratio), name.startswith("ringress")
    shape = f'<circle cx="{x:.1f}" cy="{y}" r="{7 if own else 5}" fill="{COLOURS[name]}">'
    yield f"{shape}<title>{escape(name)} {ratio:.2f}</title></circle>"
    if ratio > MOST:
        yield text(x - 10, y + 4, f"{ratio:.1f} ▸", COLOURS[name], "end", 11)


def legend(names):
    x = 16
    for name in names:
        yield f'<circle cx="{x + 5}" cy="66" r="5" fill="{COLOURS[name]}"/>'
        yield text(x + 14, 70, name, size=12)
        x += 26 + 7 * len(name)


def axis(top, bottom):
    for step in range(int(MOST * 2) + 1):
        x = place(step / 2)
        one = step == 2
        colour = "#1971c2" if one else "#ced4da"
        yield f'<line x1="{x}" x2="{x}" y1="{top}" y2="{bottom}" stroke="{colour}"/>'
        yield text(x, bottom + 18, f"{step / 2:g}", "#495057", "middle", 12)


def text(x, y, words, colour="#212529", anchor="start", size=13):
    return (
        f'<text x="{x}" y="{y}" fill="{colour}" text-anchor="{anchor}" font-size="{size}">'
        f"{escape(words)}</text>"
    )
