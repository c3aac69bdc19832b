//! `mizan-worker config`.

use crate::arguments::Init;
use anyhow::Result;
use mizan_worker::{
    keystore::private_folder,
    settings::{template, usual_file, Environment, Layers},
};
use serde_json::{json, Map, Value};
use std::{
    fs::File,
    io::{self, Write},
    path::PathBuf,
};

/// Why no configuration file was written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InitError {
    /// There is no usual place.
    #[error("neither XDG_CONFIG_HOME nor HOME is set: say --config")]
    NoHome,
    /// There is one.
    #[error("{} is there already and is never written over", .0.display())]
    Exists(PathBuf),
    /// The disk.
    #[error("{}: {source}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Writes a configuration file in which everything is explained.
pub(crate) fn init(init: &Init, environment: &Environment, out: &mut impl Write) -> Result<()> {
    let path = init.config.clone().or_else(|| usual_file(environment));
    let path = path.ok_or(InitError::NoHome)?;
    write_new(&path).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => InitError::Exists(path.clone()),
        _ => InitError::Unwritable {
            path: path.clone(),
            source,
        },
    })?;
    Ok(writeln!(out, "{}", path.display())?)
}

fn write_new(path: &std::path::Path) -> io::Result<()> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        private_folder(folder)?;
    }
    File::create_new(path)?.write_all(template().as_bytes())
}

/// Shows every setting and where it comes from.
pub(crate) fn show(layers: &Layers, as_json: bool, out: &mut impl Write) -> Result<()> {
    let shown = layers.shown()?;
    if as_json {
        let settings: Map<String, Value> = shown
            .into_iter()
            .map(|(name, value, origin)| {
                let setting = json!({ "value": value, "origin": origin.to_string() });
                (name.to_owned(), setting)
            })
            .collect();
        let file = layers.file();
        return Ok(writeln!(
            out,
            "{}",
            json!({ "file": file, "settings": settings })
        )?);
    }
    for (name, value, origin) in shown {
        writeln!(out, "{name} = {value}  ({origin})")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use mizan_worker::settings::Flags;

    #[test]
    fn a_file_is_begun_once_and_then_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/worker.toml");
        let wanted = Init {
            config: Some(path.clone()),
        };
        let environment = Environment::new();
        init(&wanted, &environment, &mut Vec::new()).unwrap();
        let refused = init(&wanted, &environment, &mut Vec::new()).unwrap_err();
        assert!(matches!(refused.downcast_ref(), Some(InitError::Exists(named)) if *named == path));
        let flags = Flags::from([("data", "/d".to_owned())]);
        let layers = Layers::gather(Some(&path), &environment, &flags).unwrap();
        let mut out = Vec::new();
        show(&layers, false, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("data = \"/d\"  (--data)\n"), "{text}");
        assert!(
            text.contains("url = \"ws://127.0.0.1:9944\"  (the default)\n"),
            "{text}"
        );
        let mut out = Vec::new();
        show(&layers, true, &mut out).unwrap();
        let shown: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(shown["settings"]["data"]["origin"], "--data");
        assert_eq!(shown["file"], path.display().to_string());
    }
}
