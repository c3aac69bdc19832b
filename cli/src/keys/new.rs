//! `mizan keys new`.

use crate::failure::Failure;
use crate::output::Output;
use clap::Args;
use mizan_client::{account_of, keys};
use serde_json::json;
use std::path::PathBuf;

/// Make a new key in a new file.
///
/// Writes twelve random words to a file that only you can read. Keep a
/// copy: who has the words has the tokens, and nobody can bring lost words back. Nothing is ever
/// written over.
#[derive(Debug, Args)]
pub(crate) struct New {
    /// The file to make
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl New {
    pub(crate) fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let key = keys::create_key_file(&self.out)?;
        let address = keys::format_address(&account_of(&key));
        let file = self.out.display().to_string();
        let object = json!({ "address": address, "file": file });
        output.result(&format!("{address} is the key in {file}"), &object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Kind;

    #[test]
    fn a_new_key_is_written_once_and_its_words_are_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("key");
        let (mut result, mut progress) = (Vec::new(), Vec::new());
        let mut output = Output::new(true, &mut result, &mut progress);
        New { out: out.clone() }.run(&mut output).unwrap();
        let refused = New { out: out.clone() }.run(&mut output).unwrap_err();
        assert_eq!(refused.kind, Kind::Key);
        let key = keys::load_key_file(&out).unwrap();
        let said = String::from_utf8(result).unwrap();
        assert!(said.contains(&keys::format_address(&account_of(&key))));
        let words = std::fs::read_to_string(&out).unwrap();
        assert!(!said.contains(words.trim()) && progress.is_empty());
    }
}
