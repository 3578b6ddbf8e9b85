use serde_json::Value;

use crate::metrics::{names, with_pools};
use crate::support::png;

const DASHBOARD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/grafana/demitasse.json");

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
    let app = with_pools(|_| {}).await;
    app.upload(&png(24, 24, 1)).await;
    app.app.run_pending_jobs().await;
    let served = names(&app.app.metrics_text().await.unwrap());
    let dashboard = serde_json::from_str(&std::fs::read_to_string(DASHBOARD).unwrap()).unwrap();
    let mut asked = Vec::new();
    queries(&dashboard, &mut asked);
    let asked = names(&asked.join("\n"));
    assert!(asked.len() >= 12, "{asked:?}");
    let missing: Vec<_> = asked.difference(&served).collect();
    assert!(missing.is_empty(), "not in /metrics: {missing:?}");
}
