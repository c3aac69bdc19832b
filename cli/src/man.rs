//! `mizan man`.

use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::output::Output;
use clap::{Args, CommandFactory};
use clap_mangen::Man;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Print the manual page, or write those of all commands.
#[derive(Debug, Args)]
pub(crate) struct Manual {
    /// The folder for mizan.1, mizan-job.1, mizan-job-post.1 and so on; made if needed
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Manual {
    pub(crate) fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        match self.dir {
            None => print(output),
            Some(folder) => write(&folder, output),
        }
    }
}

fn print(output: &mut Output<'_>) -> Result<(), Failure> {
    let mut page = Vec::new();
    Man::new(Arguments::command()).render(&mut page)?;
    let page = String::from_utf8_lossy(&page);
    output.result(page.trim_end(), &json!({ "page": page }))
}

fn write(folder: &Path, output: &mut Output<'_>) -> Result<(), Failure> {
    std::fs::create_dir_all(folder)?;
    clap_mangen::generate_to(Arguments::command(), folder)?;
    let folder = folder.display().to_string();
    output.result(
        &format!("the manual pages are in {folder}"),
        &json!({ "folder": folder }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_gets_a_page() {
        let folder = tempfile::tempdir().unwrap();
        let (mut result, mut progress) = (Vec::new(), Vec::new());
        let mut output = Output::new(false, &mut result, &mut progress);
        let dir = Some(folder.path().join("man"));
        Manual { dir }.run(&mut output).unwrap();
        for name in ["mizan", "mizan-job-post", "mizan-provider-register-worker"] {
            let page = folder.path().join("man").join(format!("{name}.1"));
            let page = std::fs::read_to_string(page).unwrap();
            assert!(page.contains(".SH DESCRIPTION"), "{name}");
        }
    }

    #[test]
    fn the_page_of_the_command_itself_names_exit_codes() {
        let (mut result, mut progress) = (Vec::new(), Vec::new());
        let mut output = Output::new(false, &mut result, &mut progress);
        Manual { dir: None }.run(&mut output).unwrap();
        let page = String::from_utf8(result).unwrap();
        assert!(page.contains("Exit codes"), "{page}");
    }
}
