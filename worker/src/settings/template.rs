//! The configuration file that `config init` writes.

use super::{Environment, FIELDS, PREFIX};
use std::path::PathBuf;

/// A file in which every setting stands as a comment, with what it does.
pub fn template() -> String {
    let mut text = format!(
        "# Settings of mizan-worker. The environment ({PREFIX} and the name in capitals) and flags\n\
         # go before this file; `mizan-worker config show` says what counts and why.\n"
    );
    for field in FIELDS {
        if field.name == "key" {
            continue;
        }
        text.push('\n');
        for line in wrap(field.meaning, 96) {
            text.push_str(&format!("# {line}\n"));
        }
        text.push_str(&format!("#{} = {}\n", field.name, field.example));
    }
    text
}

/// Where the configuration file usually is; `None` without a home folder.
pub fn usual_file(environment: &Environment) -> Option<PathBuf> {
    super::layers::usual_file(environment)
}

fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines
            .last_mut()
            .filter(|line| line.len() + word.len() < width);
        match line {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push(word.to_owned()),
        }
    }
    lines
}
