use std::borrow::Cow;

use gif::{Encoder, Frame, Repeat};
use serde_json::json;

use crate::support::TestApp;

const SIDE: u16 = 48;
const FRAMES: u16 = 6;

/// A square that wanders over stripes, 70 ms a frame, for ever; every frame is stored whole.
fn wandering_square() -> Vec<u8> {
    let palette = [20, 30, 60, 200, 190, 170, 230, 60, 40, 90, 140, 90];
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, SIDE, SIDE, &palette).unwrap();
    encoder.set_repeat(Repeat::Infinite).unwrap();
    for number in 0..FRAMES {
        let color = |place: u16| {
            let (x, y) = (place % SIDE, place / SIDE);
            let is_inside = |at: u16| (5 * number..5 * number + 12).contains(&at);
            if is_inside(x) && is_inside(y) { 2 } else { (x / 5 % 2 + y % 7 / 6 * 2) as u8 }
        };
        let pixels: Vec<u8> = (0..SIDE * SIDE).map(color).collect();
        let frame =
            Frame { width: SIDE, height: SIDE, delay: 7, buffer: Cow::Owned(pixels), ..Frame::default() };
        encoder.write_frame(&frame).unwrap();
    }
    drop(encoder);
    bytes
}

#[tokio::test]
async fn an_animation_comes_back_smaller_with_every_frame() {
    let app = TestApp::new().await;
    let mut ids = Vec::new();
    for query in ["format=keep", "preset=lossless", "format=webp"] {
        let answer = app.post(&format!("/v1/images?{query}"), "image", "a.gif", &wandering_square()).await;
        ids.push((answer.json()["id"].as_str().unwrap().to_owned(), query));
    }
    app.app.run_pending_jobs().await;
    for (id, query) in ids {
        let task = app.task(&id).await;
        let (original, variant) = (&task["image"]["original"], &task["image"]["variant"]);
        assert!(variant["bytes"].as_u64() < original["bytes"].as_u64(), "{query}: {task}");
        let media_type = if query == "format=webp" { "image/webp" } else { "image/gif" };
        assert_eq!(variant["media_type"], media_type);
        let animation = &task["report"]["animation"];
        let told = json!([
            animation["frames"],
            animation["compared_frames"],
            animation["duration_ms"],
            animation["plays"]
        ]);
        assert_eq!(told, json!([FRAMES, FRAMES, 70 * FRAMES, 0]), "{query}");
    }
}

#[tokio::test]
async fn an_animation_is_not_resized_nor_made_a_still_one() {
    let app = TestApp::new().await;
    let post = async |query: &str| {
        let answer = app.post(&format!("/v1/images?{query}"), "image", "a.gif", &wandering_square()).await;
        answer.json()["id"].as_str().unwrap().to_owned()
    };
    let (resized, still) = (post("resize=fit&width=20&height=20").await, post("format=jpeg").await);
    app.app.run_pending_jobs().await;
    let task = app.task(&resized).await;
    assert_eq!(
        (&task["status"], &task["error"]["code"]),
        (&json!("failed"), &json!("invalid_request")),
        "{task}"
    );
    let kept = app.task(&still).await;
    assert_eq!(kept["status"], "succeeded", "{kept}");
    assert_eq!(kept["image"]["variant"]["bytes"], kept["image"]["original"]["bytes"], "{kept}");
}
