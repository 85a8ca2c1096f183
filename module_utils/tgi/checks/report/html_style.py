"""The style of the page. Every colour is a variable, which a test checks for WCAG AA."""

from __future__ import annotations

LIGHT = {
    "page": "#f6f7f9", "card": "#ffffff", "sunk": "#eef1f4", "line": "#d5dae0",
    "text": "#1c2128", "dim": "#57606a", "link": "#0b5cad", "bar": "#8aa8cc",
    "pass": "#17702f", "fail": "#b3261e", "warn": "#875200", "idle": "#57606a",
    "pass-back": "#e3f4e7", "fail-back": "#fdeae8", "warn-back": "#fdf1d9", "idle-back": "#eef1f4",
}  # fmt: skip
DARK = {
    "page": "#0e1116", "card": "#171b22", "sunk": "#20262f", "line": "#333b47",
    "text": "#e6e9ee", "dim": "#a3adba", "link": "#7db7f5", "bar": "#4a6b94",
    "pass": "#5fd182", "fail": "#ff9a91", "warn": "#f2c063", "idle": "#a3adba",
    "pass-back": "#13301d", "fail-back": "#3d1714", "warn-back": "#38290b", "idle-back": "#20262f",
}  # fmt: skip

_RULES = """
*{box-sizing:border-box}
html{scroll-padding-top:1rem;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--text);
 font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main,footer{max-width:76rem;margin:0 auto;padding:1rem 1.25rem}
h1,h2,h3,p{margin:0}h1{font-size:2.6rem;line-height:1.1;letter-spacing:-.02em}
h2{font-size:1.3rem;margin:2.2rem 0 .7rem}h3{font-size:1.05rem}
a{color:var(--link)}
:focus-visible{outline:3px solid var(--link);outline-offset:2px;border-radius:3px}
code,.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;
 font-size:.9em;overflow-wrap:anywhere}
.dim{color:var(--dim)}.small{font-size:.875rem}.card+p{margin-top:.5rem}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);
 white-space:nowrap}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px}
.pass{--ink:var(--pass);--back:var(--pass-back)}.fail{--ink:var(--fail);--back:var(--fail-back)}
.warn{--ink:var(--warn);--back:var(--warn-back)}.idle{--ink:var(--idle);--back:var(--idle-back)}
.verdict{background:var(--back);border:1px solid var(--line);border-left:8px solid var(--ink);
 border-radius:10px;padding:1.4rem 1.5rem;margin-top:1rem}
.verdict h1{color:var(--ink);margin:.1rem 0 .5rem}.verdict .lead{font-size:1.1rem;max-width:52rem}
.counts{display:flex;flex-wrap:wrap;gap:.5rem 1.8rem;list-style:none;margin:1.1rem 0 0;padding:0}
.counts b{display:block;font-size:1.5rem;line-height:1.2;color:var(--ink,var(--text));
 font-variant-numeric:tabular-nums}
.counts li:not([class]) b{color:var(--text)}
.mark{display:inline-block;white-space:nowrap;font-weight:600;font-size:.875rem;color:var(--ink);
 background:var(--back);border-radius:999px;padding:.1rem .6rem}
.todo{list-style:none;margin:0;padding:0;counter-reset:todo}
.todo>li{counter-increment:todo;display:grid;grid-template-columns:auto 1fr;gap:0 1rem;
 padding:1rem 1.2rem;border-bottom:1px solid var(--line)}
.todo>li:last-child{border-bottom:0}
.todo>li::before{content:counter(todo);font-weight:700;font-size:1.3rem;line-height:1.3;
 color:var(--ink);min-width:1.2rem}
.todo .remedy{font-weight:600;overflow-wrap:anywhere}
.todo ul{margin:.4rem 0 0;padding:0;list-style:none}.todo ul li{margin:.2rem 0}
table{border-collapse:collapse;width:100%;text-align:left}
th,td{padding:.45rem .7rem;border-bottom:1px solid var(--line);vertical-align:top}
tbody tr:last-child>*{border-bottom:0}
thead th{font-size:.8rem;font-weight:600;color:var(--dim);vertical-align:bottom}
tbody th{font-weight:600;overflow-wrap:anywhere}
.matrix td{text-align:center;white-space:nowrap}.matrix thead th{text-align:center}
.matrix thead th:nth-child(-n+2){text-align:left}.matrix td:nth-child(2){text-align:left}
.matrix td,.matrix th{padding:.45rem .4rem}.matrix tbody th{min-width:8.5rem}
.matrix td.place{white-space:normal;font-size:.875rem;min-width:9.5rem;overflow-wrap:anywhere}
.matrix td.none{color:var(--dim)}.matrix .mark a{color:inherit}
.num{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
.scroll{overflow-x:auto;position:relative}
.bar{display:block;height:6px;background:var(--sunk);border-radius:3px;margin-top:.25rem;
 overflow:hidden;min-width:4.5rem}
.bar i{display:block;height:100%;background:var(--bar);border-radius:3px}
.run{margin:0 0 1rem}.run>header{padding:.9rem 1.1rem;display:flex;flex-wrap:wrap;
 gap:.3rem .8rem;align-items:baseline}.run>header p{flex-basis:100%;overflow-wrap:anywhere}
.run table{border-top:1px solid var(--line)}
.run>details>summary{padding:.6rem 1.1rem;border-top:1px solid var(--line)}
summary{cursor:pointer;overflow-wrap:anywhere}
.checks{table-layout:fixed}.checks col.c1{width:6.8rem}.checks col.c2{width:11rem}
.checks col.c3{width:11rem}.checks col.c5{width:7rem}
dl{margin:.5rem 0 .3rem;display:grid;grid-template-columns:6rem minmax(0,1fr);gap:.25rem .8rem;
 background:var(--sunk);border-radius:6px;padding:.6rem .8rem;font-size:.9rem}
dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}
tr:target{background:var(--idle-back)}
@media(max-width:44rem){
 body{font-size:15px}main,footer{padding:.6rem .8rem}h1{font-size:2.1rem}
 .verdict{padding:1rem 1.1rem}.counts{gap:.4rem 1.4rem}
 .fold thead{position:absolute;clip-path:inset(50%);height:1px;overflow:hidden}
 .fold,.fold tbody{display:block}.fold colgroup{display:none}
 .fold tr{display:block;padding:.7rem .9rem;border-bottom:1px solid var(--line)}
 .fold tbody tr:last-child{border-bottom:0}
 .fold th,.fold td{display:block;border:0;padding:.1rem 0;text-align:left}
 .checks td,.checks th{display:inline-block}.checks td.seen,.checks td.time{display:block}
 .checks td:nth-child(-n+3),.checks th{margin-right:.6rem}
 .matrix tr{display:flex;flex-wrap:wrap;gap:.35rem .5rem}
 .matrix th,.matrix td:nth-child(2){flex-basis:100%}.matrix td.none{display:none}
 .matrix td[data-group]::before{content:attr(data-group) " ";font-size:.8rem;color:var(--dim)}
 .figures td::before{content:attr(data-name) ": ";color:var(--dim)}
 .figures .num{text-align:left}dl{grid-template-columns:1fr}dd{margin-bottom:.3rem}
}
@media print{
 html{font-size:10px}body{background:#fff;font-size:1rem}main{max-width:none;padding:0}
 .scroll{overflow:visible}.matrix td,.matrix th{padding:.3rem .2rem}
 .card,.verdict{break-inside:avoid-page}.run{break-inside:auto}tr,.todo>li{break-inside:avoid}
 .run>details::details-content,.run>table details::details-content{content-visibility:visible;
 display:block}
 .verdict,.mark,.bar,.bar i{-webkit-print-color-adjust:exact;print-color-adjust:exact}
}
"""


def make_style() -> str:
    """Return the content of the page's only style element."""
    light = "".join(f"--{name}:{value};" for name, value in LIGHT.items())
    dark = "".join(f"--{name}:{value};" for name, value in DARK.items())
    themes = f":root{{color-scheme:light dark;{light}}}\n"
    # Paper is white, whatever the screen is
    themes += f"@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"
    return themes + _RULES
