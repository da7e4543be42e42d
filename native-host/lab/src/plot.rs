//! Line charts as SVG: a row of panels with a logarithmic axis of network sizes.

use std::fmt::Write;

const PANEL: (f64, f64) = (440.0, 330.0);
/// Room around the axes of a panel: left, top, right, bottom.
const MARGIN: [f64; 4] = [54.0, 118.0, 18.0, 48.0];
const FONT: &str = "font-family=\"DejaVu Sans, Helvetica, Arial, sans-serif\"";
/// Lines of a panel's grid, about.
const GRID: f64 = 5.0;

/// One line.
pub struct Series {
    /// What the legend says.
    pub name: String,
    /// A colour of CSS.
    pub colour: &'static str,
    /// Whether it is drawn in dashes: what ours is compared with.
    pub dashed: bool,
    /// Network size and value.
    pub points: Vec<(usize, f64)>,
}

/// One chart.
pub struct Panel {
    /// What it shows.
    pub title: String,
    /// Its lines.
    pub series: Vec<Series>,
}

/// The document.
pub fn svg(heading: &str, panels: &[Panel]) -> String {
    let (width, height) = (PANEL.0 * panels.len() as f64, PANEL.1 + 84.0);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{}",
        text((18.0, 28.0), "start", 15, "#111111", heading)
    );
    for (number, panel) in panels.iter().enumerate() {
        let _ = writeln!(out, "<g transform=\"translate({},36)\">", PANEL.0 * number as f64);
        draw(&mut out, panel);
        out.push_str("</g>\n");
    }
    out + "</svg>\n"
}

fn draw(out: &mut String, panel: &Panel) {
    let [left, top, right, bottom] = MARGIN;
    let (end, floor) = (PANEL.0 - right, PANEL.1 + 56.0 - bottom);
    let sizes = sizes(panel);
    let (Some(first), Some(last)) = (sizes.first(), sizes.last()) else {
        return;
    };
    let most = panel
        .series
        .iter()
        .flat_map(|series| &series.points)
        .map(|(_, value)| *value)
        .fold(0.0, f64::max);
    let step = nice_step(most / GRID);
    let ceiling = step * (most / step).ceil().max(1.0);
    let log = |size: usize| (size as f64).ln();
    let span = (log(*last) - log(*first)).max(f64::EPSILON);
    let x = |size: usize| left + 14.0 + (end - left - 28.0) * (log(size) - log(*first)) / span;
    let y = |value: f64| floor - (floor - top) * value / ceiling;

    out.push_str(&text((left, 20.0), "start", 13, "#111111", &panel.title));
    let mut line = 0.0;
    while line <= ceiling + step / 2.0 {
        let at = y(line);
        let _ = writeln!(out, "<path d=\"M{left} {at:.1}H{end}\" stroke=\"#dddddd\"/>");
        out.push_str(&text(
            (left - 7.0, at + 4.0),
            "end",
            11,
            "#444444",
            &format!("{}", (line * 100.0).round() / 100.0),
        ));
        line += step;
    }
    for size in &sizes {
        out.push_str(&text(
            (x(*size), floor + 18.0),
            "middle",
            11,
            "#444444",
            &size.to_string(),
        ));
    }
    out.push_str(&text(
        ((left + end) / 2.0, floor + 37.0),
        "middle",
        12,
        "#444444",
        "nodes in the network",
    ));
    for (number, series) in panel.series.iter().enumerate() {
        let dashes = if series.dashed { " stroke-dasharray=\"6 4\"" } else { "" };
        let points: Vec<String> = series
            .points
            .iter()
            .map(|(size, value)| format!("{:.1},{:.1}", x(*size), y(*value)))
            .collect();
        let style = format!(
            "stroke=\"{}\" stroke-width=\"2.2\" fill=\"none\"{dashes}",
            series.colour
        );
        let _ = writeln!(out, "<polyline points=\"{}\" {style}/>", points.join(" "));
        for (size, value) in &series.points {
            let _ = writeln!(
                out,
                "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"{}\"/>",
                x(*size),
                y(*value),
                series.colour
            );
        }
        // The legend stands above the lines, in two columns.
        let (column, row) = ((number % 2) as f64, (number / 2) as f64);
        let (at, height) = (left + column * 186.0, 40.0 + row * 19.0);
        let _ = writeln!(out, "<path d=\"M{at} {height}h26\" {style}/>");
        out.push_str(&text((at + 32.0, height + 4.0), "start", 11, "#222222", &series.name));
    }
}

fn sizes(panel: &Panel) -> Vec<usize> {
    let mut sizes: Vec<usize> = panel
        .series
        .iter()
        .flat_map(|series| &series.points)
        .map(|(size, _)| *size)
        .collect();
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

/// The next of 1, 2, 5, 10, 20, …
fn nice_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.max(f64::MIN_POSITIVE).log10().floor());
    [1.0, 2.0, 5.0]
        .into_iter()
        .map(|digit| digit * power)
        .find(|step| *step >= least)
        .unwrap_or(10.0 * power)
}

fn text((x, y): (f64, f64), anchor: &str, size: u32, colour: &str, words: &str) -> String {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    format!(
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" font-size=\"{size}\" fill=\"{colour}\" {FONT}>{words}</text>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_series_and_size_is_named_in_the_picture() {
        let series = |name: &str, dashed| Series {
            name: name.to_owned(),
            colour: "#1f6fb2",
            dashed,
            points: vec![(8, 1.0), (100, 7.25)],
        };
        let panel = Panel {
            title: "time < all".to_owned(),
            series: vec![series("ours", false), series("theirs", true)],
        };
        let svg = svg("heading", &[panel]);
        for wanted in [
            ">ours<",
            ">theirs<",
            ">8<",
            ">100<",
            ">time &lt; all<",
            "stroke-dasharray",
            "</svg>",
        ] {
            assert!(svg.contains(wanted), "{wanted}");
        }
    }

    #[test]
    fn steps_are_round() {
        assert_eq!([0.9, 1.1, 4.0, 7.0].map(nice_step), [1.0, 2.0, 5.0, 10.0]);
    }
}
