use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{TestApp, png};

const DASHBOARD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/grafana/demitasse.json");

/// The beginning of all our metrics' names.
const PREFIX: &str = "demitasse_";

/// The names of our metrics in a text, whole.
fn metrics(text: &str) -> BTreeSet<String> {
    let ours = text.match_indices(PREFIX).map(|(start, _)| &text[start..]);
    ours.map(|rest| {
        rest.chars().take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '_').collect()
    })
    .collect()
}

fn queries(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value.as_str() {
                    Some(text) if name == "expr" || name == "query" => found.push(text.to_owned()),
                    _ => queries(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| queries(item, found)),
        _ => {}
    }
}

#[tokio::test]
async fn the_dashboard_asks_for_metrics_that_exist() {
    let app = TestApp::new().await;
    app.upload(&png(24, 24, 1)).await;
    app.app.run_pending_jobs().await;
    let served = metrics(&app.app.metrics_text().await.unwrap());
    let dashboard = serde_json::from_str(&std::fs::read_to_string(DASHBOARD).unwrap()).unwrap();
    let mut asked = Vec::new();
    queries(&dashboard, &mut asked);
    let asked = metrics(&asked.join("\n"));
    assert!(asked.len() >= 8, "{asked:?}");
    let missing: Vec<_> = asked.difference(&served).collect();
    assert!(missing.is_empty(), "not in /metrics: {missing:?}");
}
