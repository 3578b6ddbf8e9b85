//! Whether seeds are what they are called.

use demitasse_engine::fuzzing::{Way, decode, play};
use demitasse_engine::{Limits, inspect};
use demitasse_fuzz::seeds::files::all;

#[test]
fn every_file_is_of_the_format_that_it_is_called_by_and_whole() {
    for (name, bytes) in all() {
        let header = inspect(&bytes, &Limits::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let format = header.format.capabilities().name;
        assert!(name.starts_with(format), "{name} is {format}");
        if header.format.capabilities().vector {
            // Letters and pictures inside are not drawn; the target says whether the rest is.
            continue;
        }
        let done = match header.animated {
            true => play(&bytes, &Limits::default(), |_| {}).map(drop),
            false => decode(&bytes, Way::Whole, &Limits::default()).map(drop),
        };
        done.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}
