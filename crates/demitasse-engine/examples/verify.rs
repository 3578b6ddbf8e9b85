//! Is a receipt true of two files? Everything that it says is found out again.
//!
//! ```sh
//! cargo run --release --package demitasse-engine --example verify -- receipt.json photo.jpg small.jpg
//! ```

#![expect(clippy::print_stdout, reason = "a command says what it did")]

use std::error::Error;

use demitasse_engine::{Control, Limits, Report, verify_receipt};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [receipt, input, output] = args.as_slice() else { return Err("say which: RECEIPT IN OUT".into()) };
    let receipt: Report = serde_json::from_slice(&std::fs::read(receipt)?)?;
    let (input, output) = (std::fs::read(input)?, std::fs::read(output)?);
    let verification = verify_receipt(&receipt, &input, &output, &Limits::default(), &Control::new())?;
    for check in &verification.checks {
        println!("{:?}: {:?}, {}", check.name, check.answer, check.detail);
    }
    if verification.holds() { Ok(()) } else { Err("the receipt is not true of these files".into()) }
}
