//! A helper process in another language: one JSON request a line, one JSON answer a line.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// A running helper; it ends with this value.
pub(crate) struct Helper {
    name: String,
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Helper {
    /// Starts it.
    pub(crate) fn start(name: &str, command: &mut Command) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{name} cannot be started"))?;
        let requests = child.stdin.take().with_context(|| format!("{name} has no standard input"))?;
        let answers =
            BufReader::new(child.stdout.take().with_context(|| format!("{name} has no standard output"))?);
        Ok(Self { name: name.to_owned(), child, requests, answers })
    }

    /// Whether it can still be asked.
    pub(crate) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// One request; an answer with an `error` is an error here.
    pub(crate) fn ask(&mut self, request: &Value) -> Result<Value> {
        writeln!(self.requests, "{request}").with_context(|| format!("{} has ended", self.name))?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        let answer: Value =
            serde_json::from_str(&answer).with_context(|| format!("{} gave no answer", self.name))?;
        match answer.get("error") {
            Some(error) => bail!("{}: {}", self.name, error.as_str().unwrap_or_default()),
            None => Ok(answer),
        }
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use serde_json::json;

    use super::*;

    fn helper(script: &str) -> Helper {
        Helper::start("sh", Command::new("/bin/sh").args(["-c", script])).unwrap()
    }

    #[test]
    fn an_answer_follows_its_request_and_an_error_is_one() {
        let mut echo = helper("while read -r line; do echo \"{\\\"heard\\\": $line}\"; done");
        assert_eq!(echo.ask(&json!(["a", 1])).unwrap(), json!({"heard": ["a", 1]}));
        let mut refuses = helper("read -r line; echo '{\"error\": \"no\"}'");
        assert_eq!(refuses.ask(&json!([])).unwrap_err().to_string(), "sh: no");
    }

    #[test]
    fn a_helper_that_ends_is_an_error_and_no_wait() {
        assert!(helper("exit 0").ask(&json!([])).is_err());
    }
}
