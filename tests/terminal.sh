#!/bin/sh
# Draws what "make demo" prints of the stop, on standard input, as a terminal in SVG. Fails if the demo did.
set -eu

awk '
function escape(text) {
    gsub(/&/, "\\&amp;", text); gsub(/</, "\\&lt;", text); gsub(/>/, "\\&gt;", text)
    return text
}
/^==> / { is_shown = /the stop|HHVM has stopped|next start/; if (is_shown) lines[++count] = "" ; next }
/^    NO / { failed = 1 }
/^    yes / { proven++ }
is_shown && /^    / {
    # The stand-in, by the name of what it stands for, tells of its own start.
    if (/ (page|admin) server on /) next
    lines[++count] = substr($0, 5)
}
END {
    if (failed || proven == 0) { print "the demo did not hold, or was cut short" >"/dev/stderr"; exit 1 }
    for (at = 1; at <= count; at++) if (length(lines[at]) > width) width = length(lines[at])
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"monospace\" font-size=\"13\">\n", \
        width * 7.85 + 32, count * 18 + 24
    print "<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#1d1f21\"/>"
    for (at = 1; at <= count; at++) {
        line = lines[at]
        color = line ~ /^# / ? "#8abeb7" : line ~ /hhvm-drain\[/ || line ~ /Status:/ ? "#e0e0e0" : "#9a9c9e"
        printf "<text x=\"16\" y=\"%d\" fill=\"%s\" xml:space=\"preserve\">%s</text>\n", at * 18 + 6, color, escape(line)
    }
    print "</svg>"
}'
