//! The four layers, and which of them a value comes from.

use super::{
    shown,
    values::{
        is_public, Amount, Bytes, Celsius, Count, Devices, Listen, Read, Servers, Value, Watts,
    },
    Secret, Settings, FIELDS,
};
use figment::{
    error::Kind,
    providers::{Format, Toml},
    value::{Dict, Map},
    Figment, Metadata, Profile, Provider, Source,
};
use std::{
    collections::BTreeMap,
    fmt, io,
    path::{Path, PathBuf},
    time::Duration,
};

/// What the names of the environment's variables start with.
pub const PREFIX: &str = "MIZAN_WORKER_";
/// Names of the layers that are no file.
const DEFAULT: &str = "default";
const ENVIRONMENT: &str = "environment";
const FLAG: &str = "flag";

/// Variables by name: the process's, or a test's.
pub type Environment = BTreeMap<String, String>;
/// What the command line says, by setting.
pub type Flags = BTreeMap<&'static str, String>;

/// Where a value comes from. Later ones go before earlier ones.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// That configuration file.
    File(PathBuf),
    /// That variable.
    Environment(String),
    /// That flag.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("the default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Environment(name) => write!(f, "the environment's {name}"),
            Self::Flag(name) => f.write_str(name),
        }
    }
}

/// Why the settings can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file can't be read.
    #[error("the configuration file {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is not TOML.
    #[error("the configuration file {} is not TOML: {reason}", path.display())]
    NotToml {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A setting that does not exist.
    #[error("{origin}: there is no setting {name}; there are {}", known())]
    Unknown {
        /// Where it stands.
        origin: Origin,
        /// Its name.
        name: String,
    },
    /// A value that the setting can't have.
    #[error("{origin}: {name}: {problem}")]
    Invalid {
        /// Where it stands.
        origin: Origin,
        /// The setting.
        name: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// There is neither a home folder nor a variable that says where data goes.
    #[error("neither XDG_DATA_HOME nor HOME is set: say --data")]
    NoHome,
}

fn known() -> String {
    FIELDS.map(|field| field.name).join(", ")
}

/// Values of one origin.
struct Layer {
    name: &'static str,
    values: Dict,
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.values.clone()))
    }
}

/// The layers, one over the other.
#[derive(Debug)]
pub struct Layers {
    figment: Figment,
    file: Option<PathBuf>,
}

impl Layers {
    /// Puts the layers together. `file` is what the command line names; without it, the file at
    /// its usual place counts if it exists.
    pub fn gather(
        file: Option<&Path>,
        environment: &Environment,
        flags: &Flags,
    ) -> Result<Self, SettingsError> {
        let mut figment = Figment::from(defaults(environment));
        let usual = usual_file(environment).filter(|path| path.exists());
        let file = file.map(Path::to_path_buf).or(usual);
        if let Some(path) = &file {
            figment = figment.merge(read_file(path)?);
        }
        let variables = environment
            .iter()
            .filter_map(|(name, value)| Some((name.strip_prefix(PREFIX)?, value)));
        let variables = variables.map(|(name, value)| (name.to_lowercase(), value.clone().into()));
        let variables = Layer {
            name: ENVIRONMENT,
            values: variables.collect(),
        };
        for name in variables.values.keys() {
            let origin = Origin::Environment(variable(name));
            refuse_unknown(name, origin)?;
        }
        let flags = flags
            .iter()
            .map(|(name, value)| (name.to_string(), value.clone().into()));
        let flags = Layer {
            name: FLAG,
            values: flags.collect(),
        };
        let figment = figment.merge(variables).merge(flags);
        let mut layers = Self { figment, file };
        let data = layers.path("data")?.ok_or(SettingsError::NoHome)?;
        let within = |name: &str| data.join(name).display().to_string();
        let values = [("key_file", within("key")), ("blobs", within("blobs"))];
        layers.figment = layers.figment.join(Layer {
            name: DEFAULT,
            values: values
                .map(|(name, value)| (name.to_owned(), value.into()))
                .into(),
        });
        Ok(layers)
    }

    /// The configuration file that was read.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Where a setting's value comes from.
    pub fn origin(&self, name: &str) -> Origin {
        let Some(metadata) = self.figment.find_metadata(name) else {
            return Origin::Default;
        };
        match (&*metadata.name, &metadata.source, &self.file) {
            (ENVIRONMENT, ..) => Origin::Environment(variable(name)),
            (FLAG, ..) => Origin::Flag(format!("--{}", name.replace('_', "-"))),
            (_, Some(Source::File(path)), _) => Origin::File(path.clone()),
            // The metadata of a file knows a path relative to some folder.
            (DEFAULT, ..) | (_, _, None) => Origin::Default,
            (_, _, Some(path)) => Origin::File(path.clone()),
        }
    }

    /// All settings, checked.
    pub fn settings(&self) -> Result<Settings, SettingsError> {
        Ok(Settings {
            url: self.need("url")?,
            data: self.path("data")?.ok_or(SettingsError::NoHome)?,
            key_file: self.path("key_file")?.ok_or(SettingsError::NoHome)?,
            key: self.secret()?,
            blobs: self.path("blobs")?.ok_or(SettingsError::NoHome)?,
            ask: self.get::<Amount>("ask")?.map(|amount| amount.0),
            memory: self.need("memory")?,
            max_job_bytes: self.need::<Bytes>("max_job_bytes")?.0,
            device: self.need("device")?,
            devices: self
                .get::<Devices>("devices")?
                .map_or(Vec::new(), |list| list.0),
            device_memory: self.get::<Bytes>("device_memory")?.map(|bytes| bytes.0),
            idle_only: self.need("idle_only")?,
            idle: self.time("idle_seconds", 1)?,
            max_power_watts: self.get::<Watts>("max_power")?.map(|watts| watts.0),
            max_temperature_celsius: self.get::<Celsius>("max_temperature")?.map(|it| it.0),
            hours: self.get("hours")?,
            blob_servers: self.need::<Servers>("blob_servers")?.0,
            allow_private_blob_servers: self.need("allow_private_blob_servers")?,
            cache_bytes: self.need::<Bytes>("cache_bytes")?.0,
            cache_age: self.time("cache_days", 24 * 60 * 60)?,
            max_demands: u32::try_from(self.need::<Count>("max_demands")?.0).unwrap_or(u32::MAX),
            bandwidth: self.need::<Bytes>("bandwidth")?.0,
            speed: self.need("speed")?,
            advice: self.need("advice")?,
            metrics: self.get::<Listen>("metrics")?.map(|listen| listen.0),
            log_format: self.need("log_format")?,
            request: self.time("request_seconds", 1)?,
            stop: self.time("stop_seconds", 1)?,
        })
    }

    /// Every setting as `config show` gives it: name, value, origin. No secret is among them.
    pub fn shown(&self) -> Result<Vec<(&'static str, serde_json::Value, Origin)>, SettingsError> {
        let settings = self.settings()?;
        let shown = FIELDS.map(|field| {
            let value = shown::value(&settings, field.name);
            (field.name, value, self.origin(field.name))
        });
        Ok(shown.into())
    }

    fn get<T: Value>(&self, name: &'static str) -> Result<Option<T>, SettingsError> {
        match self.figment.extract_inner::<Read<T>>(name) {
            Ok(Read(value)) => Ok(Some(value)),
            Err(error) if error.missing() => Ok(None),
            Err(error) => Err(self.invalid(name, explain(error.kind, T::EXPECTED))),
        }
    }

    fn need<T: Value>(&self, name: &'static str) -> Result<T, SettingsError> {
        let value = self.get(name)?;
        value.ok_or_else(|| self.invalid(name, format!("expected {}", T::EXPECTED)))
    }

    fn time(&self, name: &'static str, unit_seconds: u64) -> Result<Duration, SettingsError> {
        let count = self.need::<Count>(name)?.0;
        Ok(Duration::from_secs(count.saturating_mul(unit_seconds)))
    }

    /// A path; one in a file is relative to that file.
    fn path(&self, name: &'static str) -> Result<Option<PathBuf>, SettingsError> {
        let Some(text) = self.get::<String>(name)? else {
            return Ok(None);
        };
        if text.is_empty() {
            return Err(self.invalid(name, "expected a path".into()));
        }
        Ok(Some(match self.origin(name) {
            Origin::File(file) => file.parent().unwrap_or(Path::new("")).join(text),
            _ => text.into(),
        }))
    }

    /// The secret, unless something of more weight names a file.
    fn secret(&self) -> Result<Option<Secret>, SettingsError> {
        let Some(secret) = self.get::<String>("key")? else {
            return Ok(None);
        };
        let origin = self.origin("key");
        if matches!(origin, Origin::File(_)) {
            let problem = "a secret does not belong into the configuration file: write it to a \
                           file of mode 600 and name that as key_file";
            return Err(self.invalid("key", problem.into()));
        }
        Ok((origin >= self.origin("key_file")).then_some(Secret(secret)))
    }

    fn invalid(&self, name: &'static str, problem: String) -> SettingsError {
        let origin = self.origin(name);
        SettingsError::Invalid {
            origin,
            name,
            problem,
        }
    }
}

impl Settings {
    /// Whether metrics can be read from other machines.
    pub fn metrics_are_public(&self) -> bool {
        self.metrics.as_ref().is_some_and(is_public)
    }
}

/// The configuration file's usual place.
pub(super) fn usual_file(environment: &Environment) -> Option<PathBuf> {
    Some(base(environment, "XDG_CONFIG_HOME", ".config")?.join("mizan/worker.toml"))
}

fn base(environment: &Environment, variable: &str, below_home: &str) -> Option<PathBuf> {
    // An empty or relative path there is to be ignored, by the standard.
    let set = environment.get(variable).map(PathBuf::from);
    let home = environment.get("HOME").filter(|home| !home.is_empty());
    set.filter(|path| path.is_absolute())
        .or_else(|| home.map(|home| Path::new(home).join(below_home)))
}

fn defaults(environment: &Environment) -> Layer {
    let data = base(environment, "XDG_DATA_HOME", ".local/share");
    let data = data.map(|home| ("data", home.join("mizan/worker").display().to_string()));
    let fixed = [
        ("url", "ws://127.0.0.1:9944"),
        ("memory", "auto"),
        ("max_job_bytes", "4 GiB"),
        ("device", "auto"),
        ("idle_only", "false"),
        ("idle_seconds", "60"),
        ("blob_servers", ""),
        ("allow_private_blob_servers", "false"),
        ("cache_bytes", "64 GiB"),
        ("cache_days", "14"),
        ("max_demands", "64"),
        ("bandwidth", "1000000"),
        ("speed", "auto"),
        ("advice", "true"),
        ("log_format", "text"),
        ("request_seconds", "30"),
        ("stop_seconds", "10"),
    ];
    let fixed = fixed.map(|(name, value)| (name, value.to_owned()));
    Layer {
        name: DEFAULT,
        values: fixed
            .into_iter()
            .chain(data)
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect(),
    }
}

fn read_file(path: &Path) -> Result<Figment, SettingsError> {
    std::fs::File::open(path).map_err(|source| SettingsError::Unreadable {
        path: path.into(),
        source,
    })?;
    let not_toml = |error: figment::Error| SettingsError::NotToml {
        path: path.into(),
        reason: error.kind.to_string(),
    };
    let toml = Toml::file_exact(path);
    for name in toml.data().map_err(not_toml)?.values().flat_map(Dict::keys) {
        refuse_unknown(name, Origin::File(path.into()))?;
    }
    Ok(Figment::from(toml))
}

fn refuse_unknown(name: &str, origin: Origin) -> Result<(), SettingsError> {
    let known = FIELDS.iter().any(|field| field.name == name);
    known.then_some(()).ok_or_else(|| SettingsError::Unknown {
        origin,
        name: name.into(),
    })
}

fn variable(name: &str) -> String {
    format!("{PREFIX}{}", name.to_uppercase())
}

fn explain(kind: Kind, expected: &str) -> String {
    match kind {
        Kind::InvalidType(found, _) | Kind::InvalidValue(found, _) => {
            format!("found {found}, expected {expected}")
        }
        kind => format!("{kind}, expected {expected}"),
    }
}
