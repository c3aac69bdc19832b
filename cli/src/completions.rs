//! `mizan completions`.

use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::output::Output;
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use serde_json::json;

/// Print a shell's completions.
///
/// For bash: mizan completions bash > ~/.local/share/bash-completion/completions/mizan
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let mut script = Vec::new();
        let mut command = Arguments::command();
        clap_complete::generate(self.shell, &mut command, "mizan", &mut script);
        let script = String::from_utf8_lossy(&script);
        let object = json!({ "shell": self.shell.to_string(), "script": script });
        output.result(script.trim_end(), &object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    #[test]
    fn every_shell_gets_a_script_that_knows_the_commands() {
        for shell in Shell::value_variants() {
            let (mut result, mut progress) = (Vec::new(), Vec::new());
            let mut output = Output::new(false, &mut result, &mut progress);
            Completions { shell: *shell }.run(&mut output).unwrap();
            let script = String::from_utf8(result).unwrap();
            for word in ["register-worker", "explain", "blobs"] {
                assert!(script.contains(word), "{word} for {shell}");
            }
        }
    }
}
