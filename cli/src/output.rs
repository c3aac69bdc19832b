//! Results and progress.

use crate::failure::{Failure, Kind};
use serde_json::{json, Value};
use std::io::{ErrorKind, Write};

/// Where a command writes.
pub(crate) struct Output<'a> {
    json: bool,
    result: &'a mut dyn Write,
    progress: &'a mut dyn Write,
}

impl<'a> Output<'a> {
    /// Results go to `result`, as JSON if so wished; progress and errors for people to
    /// `progress`.
    pub(crate) fn new(json: bool, result: &'a mut dyn Write, progress: &'a mut dyn Write) -> Self {
        Self {
            json,
            result,
            progress,
        }
    }

    /// What the command was asked for: once, at its end.
    pub(crate) fn result(&mut self, text: &str, object: &Value) -> Result<(), Failure> {
        let text = if self.json {
            object.to_string()
        } else {
            text.to_owned()
        };
        match writeln!(self.result, "{text}") {
            // Whoever reads has read enough, as `head` does.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            written => Ok(written?),
        }
    }

    /// What is going on.
    pub(crate) fn progress(&mut self, line: &str) {
        // Whoever closed this end does not want to know.
        let _ = writeln!(self.progress, "{line}");
    }

    /// Why there is no result.
    pub(crate) fn failure(&mut self, failure: &Failure) {
        // The result said it already.
        if failure.kind == Kind::Wrong {
            return;
        }
        if self.json {
            let error = json!({ "kind": failure.kind.name(), "message": failure.message });
            let _ = writeln!(self.result, "{}", json!({ "error": error }));
        } else {
            let _ = writeln!(self.progress, "error: {failure}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(json: bool, write: impl FnOnce(&mut Output<'_>)) -> (String, String) {
        let (mut result, mut progress) = (Vec::new(), Vec::new());
        write(&mut Output::new(json, &mut result, &mut progress));
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(result), text(progress))
    }

    #[test]
    fn results_are_text_or_one_json_object() {
        let write = |output: &mut Output<'_>| output.result("job 3", &json!({ "job": 3 })).unwrap();
        assert_eq!(written(false, write), ("job 3\n".into(), String::new()));
        assert_eq!(
            written(true, write),
            ("{\"job\":3}\n".into(), String::new())
        );
    }

    #[test]
    fn a_reader_that_has_read_enough_is_no_failure() {
        struct Closed(ErrorKind);
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(self.0.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let result = |kind| {
            let (mut result, mut progress) = (Closed(kind), Vec::new());
            Output::new(false, &mut result, &mut progress).result("job 3", &json!({}))
        };
        assert_eq!(result(ErrorKind::BrokenPipe), Ok(()));
        let full = result(ErrorKind::StorageFull).unwrap_err();
        assert_eq!(full.kind, Kind::Other);
    }

    #[test]
    fn progress_never_mixes_with_results() {
        assert_eq!(
            written(true, |output| output.progress("on")),
            (String::new(), "on\n".into())
        );
    }

    #[test]
    fn failures_are_json_where_results_are() {
        let write = |output: &mut Output<'_>| output.failure(&Failure::new(Kind::Blob, "gone"));
        assert_eq!(
            written(false, write),
            (String::new(), "error: gone\n".into())
        );
        let object = "{\"error\":{\"kind\":\"blob\",\"message\":\"gone\"}}\n";
        assert_eq!(written(true, write), (object.into(), String::new()));
    }

    #[test]
    fn a_wrong_result_is_said_once_by_the_result() {
        let write = |output: &mut Output<'_>| {
            output
                .result("wrong", &json!({ "verdict": "wrong" }))
                .unwrap();
            output.failure(&Failure::new(Kind::Wrong, "job 3 is wrong"));
        };
        assert_eq!(written(false, write), ("wrong\n".into(), String::new()));
        let object = "{\"verdict\":\"wrong\"}\n";
        assert_eq!(written(true, write), (object.into(), String::new()));
    }
}
