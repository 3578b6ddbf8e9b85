//! Cuts a square where most of the detail is, in the smallest format that the web shows, within so many bytes.
//!
//! ```sh
//! cargo run --release --package demitasse-engine --example thumbnail -- photo.jpg 200 12000
//! ```

#![expect(clippy::print_stdout, reason = "a command says what it did")]

use std::error::Error;

use demitasse_engine::{
    Control, DEFAULT_FLOOR, Limits, OutputFormat, Request, Resize, ResizeMethod, Target, compress,
};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [input, side, max_bytes] = args.as_slice() else { return Err("say which: IN SIDE BYTES".into()) };
    let side = side.parse()?;
    let request = Request {
        format: OutputFormat::Auto,
        resize: Some(Resize {
            method: ResizeMethod::Thumb,
            width: Some(side),
            height: Some(side),
            enlarge: false,
        }),
        ..Request::new(Target::MaxBytes { max_bytes: max_bytes.parse()?, floor: DEFAULT_FLOOR })
    };
    let done = compress(&std::fs::read(input)?, &request, &Limits::default(), &Control::new())?;
    let output = &done.report.output;
    let name = format!("thumbnail.{}", output.format.extension());
    std::fs::write(&name, &done.bytes)?;
    println!("{name}: {} x {}, {} bytes", output.width, output.height, output.bytes);
    if let Some(reason) = &done.report.reason {
        println!("{}", reason.detail);
    }
    Ok(())
}
