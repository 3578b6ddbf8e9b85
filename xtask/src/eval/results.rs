//! `results.csv`: one row for each measurement.

use std::fmt::Write as _;

use super::measure::Measured;

/// As CSV (RFC 4180), with a header.
pub(super) fn csv(results: &[Measured]) -> String {
    let mut text = String::from(
        "image,megapixels,tool,setting,format,bytes,ssimulacra2,butteraugli_3norm,cpu_s,cpu_encode_s,peak_bytes,encodes,\
         quality,kept\n",
    );
    for result in results {
        let ours = result.ours.as_ref();
        let _ = writeln!(
            text,
            "{},{:.4},{},{},{},{},{},{},{:.4},{},{},{},{},{}",
            field(&result.image),
            result.megapixels,
            field(&result.tool),
            field(&result.setting),
            ours.map_or("", |told| &told.format),
            result.bytes,
            number(result.scores.map(|scores| scores.ssimulacra2), 3),
            number(result.scores.map(|scores| scores.butteraugli), 4),
            result.cpu,
            number(result.cpu_of_encode, 4),
            result.peak.map(|bytes| bytes.to_string()).unwrap_or_default(),
            ours.map(|told| told.encodes.to_string()).unwrap_or_default(),
            number(ours.and_then(|told| told.quality).map(f64::from), 2),
            field(ours.and_then(|told| told.kept.as_deref()).unwrap_or_default()),
        );
    }
    text
}

fn number(value: Option<f64>, digits: usize) -> String {
    value.filter(|value| value.is_finite()).map(|value| format!("{value:.digits$}")).unwrap_or_default()
}

fn field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::Scores;

    #[test]
    fn a_row_has_as_many_fields_as_the_header_and_what_is_unknown_is_empty() {
        let result = Measured {
            image: "photo/a.png".into(),
            megapixels: 0.39,
            tool: "Pillow".into(),
            setting: "q70".into(),
            bytes: 1234,
            scores: Some(Scores { ssimulacra2: 70.0, butteraugli: f64::NAN }),
            cpu: 0.5,
            cpu_of_encode: None,
            peak: None,
            ours: None,
        };
        let text = csv(&[result]);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[1], "photo/a.png,0.3900,Pillow,q70,,1234,70.000,,0.5000,,,,,");
        assert_eq!(lines[0].matches(',').count(), lines[1].matches(',').count());
    }

    #[test]
    fn commas_and_quotes_are_quoted() {
        assert_eq!(field("a,b"), "\"a,b\"");
        assert_eq!(field("say \"no\""), "\"say \"\"no\"\"\"");
        assert_eq!(field("plain"), "plain");
    }
}
