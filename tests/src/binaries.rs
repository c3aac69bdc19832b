//! Where the built programs are.

use anyhow::{ensure, Context, Result};
use std::path::{Path, PathBuf};

/// The program of that name which was built together with the running one.
///
/// Cargo puts programs into the target directory of the profile, and tests one folder below it.
pub fn find(name: &str) -> Result<PathBuf> {
    let running = std::env::current_exe().context("the running program has no path")?;
    let folder = profile_folder(&running).context("the running program has no folder")?;
    let path = folder.join(name);
    ensure!(
        path.is_file(),
        "{} is missing: run `cargo build --workspace --locked` first",
        path.display()
    );
    Ok(path)
}

/// The target directory of the profile that the program at `path` was built with.
fn profile_folder(path: &Path) -> Option<&Path> {
    let folder = path.parent()?;
    if folder.ends_with("deps") {
        folder.parent()
    } else {
        Some(folder)
    }
}

/// A file of this repository.
pub fn repository_file(path: &str) -> PathBuf {
    // Known when this crate is built; its folder is directly below the repository's.
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).join(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_and_programs_have_the_same_profile_folder() {
        let folder = Some(Path::new("/t/debug"));
        assert_eq!(profile_folder(Path::new("/t/debug/deps/some-0f")), folder);
        assert_eq!(profile_folder(Path::new("/t/debug/mizan-demo")), folder);
    }

    #[test]
    fn a_missing_program_is_named_with_what_to_do() {
        let message = find("no-such-program").unwrap_err().to_string();
        assert!(
            message.contains("no-such-program is missing: run `cargo build"),
            "{message}"
        );
    }
}
