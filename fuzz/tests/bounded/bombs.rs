//! Bombs: how each ends.

use demitasse_engine::{Control, Error, Format, Limits, Request, compress};
use demitasse_fuzz::bombs::{Ending, all};

/// What becomes of a bomb, in its own terms; anything else in words.
fn ending(bytes: &[u8]) -> Result<Ending, String> {
    let done = compress(bytes, &Request::default(), &Limits::default(), &Control::new());
    match done {
        Ok(done) if done.bytes.len() <= bytes.len() => Ok(Ending::Harmless),
        Ok(_) => Err("it grew".into()),
        Err(Error::LimitExceeded { limit, actual, allowed }) if actual > allowed => Ok(Ending::Over(limit)),
        Err(Error::Malformed { .. } | Error::Unsupported(_)) => Ok(Ending::Refused),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn bombs_are_refused_by_the_limit_that_they_are_over_or_do_no_harm() {
    let mut wrong = Vec::new();
    for bomb in all() {
        let ended = ending(&bomb.bytes);
        if ended != Ok(bomb.ending) {
            wrong.push(format!("{}: {ended:?}, not {:?}", bomb.name, bomb.ending));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn there_is_a_bomb_of_every_format() {
    let bombs = all();
    for format in Format::ALL {
        let name = format.capabilities().name;
        assert!(bombs.iter().any(|bomb| bomb.name.starts_with(name)), "{name}");
    }
}
