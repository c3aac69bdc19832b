use super::*;
use std::path::Path;

fn environment(variables: &[(&str, &str)]) -> Environment {
    let variables = variables.iter().chain(&[("HOME", "/home/somebody")]);
    variables
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect()
}

fn gather(
    file: Option<&str>,
    variables: &[(&str, &str)],
    flags: &[(&'static str, &str)],
) -> Gathered {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("worker.toml");
    if let Some(text) = file {
        std::fs::write(&path, text).unwrap();
    }
    let flags = flags.iter().map(|(name, value)| (*name, value.to_string()));
    let layers = Layers::gather(
        file.map(|_| path.as_path()),
        &environment(variables),
        &flags.collect(),
    );
    Gathered {
        layers,
        path,
        _folder: folder,
    }
}

struct Gathered {
    layers: Result<Layers, SettingsError>,
    path: PathBuf,
    _folder: tempfile::TempDir,
}

impl Gathered {
    fn settings(&self) -> Settings {
        self.layers.as_ref().unwrap().settings().unwrap()
    }

    fn origin(&self, name: &str) -> Origin {
        self.layers.as_ref().unwrap().origin(name)
    }

    fn refused(self) -> SettingsError {
        match self.layers {
            Ok(layers) => layers.settings().unwrap_err(),
            Err(error) => error,
        }
    }
}

#[test]
fn without_any_word_the_defaults_count() {
    let gathered = gather(None, &[], &[]);
    let settings = gathered.settings();
    assert_eq!(settings.url, "ws://127.0.0.1:9944");
    let data = Path::new("/home/somebody/.local/share/mizan/worker");
    assert_eq!(settings.data, data);
    assert_eq!(settings.key_file, data.join("key"));
    assert_eq!(settings.blobs, data.join("blobs"));
    assert_eq!(settings.memory, Memory::Auto);
    assert_eq!(settings.max_job_bytes, 4 << 30);
    assert_eq!(settings.ask, None);
    assert_eq!(settings.metrics, None);
    assert!(!settings.allow_private_blob_servers);
    assert_eq!(settings.device, DeviceUse::Auto);
    assert!(settings.devices.is_empty() && settings.device_memory.is_none());
    assert!(!settings.idle_only && settings.idle.as_secs() == 60);
    let limits = (settings.max_power_watts, settings.max_temperature_celsius);
    assert_eq!((limits, settings.hours), ((None, None), None));
    assert_eq!(settings.speed, Speed::Auto);
    assert!(settings.advice);
    assert!(settings.blob_servers.is_empty());
    assert!(FIELDS
        .iter()
        .all(|field| gathered.origin(field.name) == Origin::Default));
}

#[test]
fn each_layer_goes_before_the_one_below() {
    let file = "url = \"ws://file\"\nmemory = \"1 GiB\"\nmax_job_bytes = 7\nask = 0.5";
    let variables = [
        ("MIZAN_WORKER_MEMORY", "2 GiB"),
        ("MIZAN_WORKER_MAX_JOB_BYTES", "8"),
    ];
    let gathered = gather(Some(file), &variables, &[("max_job_bytes", "9")]);
    let settings = gathered.settings();
    assert_eq!(settings.url, "ws://file");
    assert_eq!(settings.memory, Memory::Bytes(2 << 30));
    assert_eq!(settings.max_job_bytes, 9);
    assert_eq!(settings.ask, Some(mizan_client::units::UNIT / 2));
    assert_eq!(gathered.origin("url"), Origin::File(gathered.path.clone()));
    let variable = Origin::Environment("MIZAN_WORKER_MEMORY".into());
    assert_eq!(gathered.origin("memory"), variable);
    assert_eq!(
        gathered.origin("max_job_bytes"),
        Origin::Flag("--max-job-bytes".into())
    );
    assert_eq!(gathered.origin("stop_seconds"), Origin::Default);
}

#[test]
fn the_file_at_its_usual_place_counts_if_it_is_there() {
    let home = tempfile::tempdir().unwrap();
    let variables = Environment::from([
        (
            "XDG_CONFIG_HOME".to_owned(),
            home.path().display().to_string(),
        ),
        ("HOME".into(), "/home/somebody".into()),
    ]);
    let url = || {
        let layers = Layers::gather(None, &variables, &Flags::new()).unwrap();
        layers.settings().unwrap().url
    };
    assert_eq!(url(), "ws://127.0.0.1:9944");
    let path = usual_file(&variables).unwrap();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, "url = \"ws://usual\"").unwrap();
    assert_eq!(url(), "ws://usual");
}

#[test]
fn a_wrong_type_is_refused_with_file_field_and_what_is_expected() {
    let table = [
        ("memory = true", "memory: found bool true, expected auto"),
        (
            "memory = \"lots\"",
            "memory: found string \"lots\", expected auto",
        ),
        (
            "stop_seconds = 0",
            "stop_seconds: found signed int `0`, expected a number from 1",
        ),
        (
            "ask = \"much\"",
            "ask: found string \"much\", expected an amount of money",
        ),
        ("ask = -1", "expected an amount of money"),
        (
            "blob_servers = [\"ftp://x\"]",
            "blob_servers: found sequence, expected a list of addresses",
        ),
        ("blob_servers = [[1]]", "blob_servers: "),
        (
            "speed = 0",
            "expected auto, or a number of multiply-accumulates",
        ),
        ("device = \"gpu\"", "expected auto, cpu or cuda"),
        ("devices = [0, -1]", "expected a list of numbers of devices"),
        ("devices = \"all\"", "expected a list of numbers of devices"),
        ("device_memory = \"most\"", "device_memory: found string"),
        (
            "idle_only = 1",
            "idle_only: found signed int 1, expected true or false",
        ),
        ("idle_seconds = 0", "expected a number from 1 upwards"),
        (
            "max_power = 9",
            "max_power: found signed int 9, expected watts from 10 to 2000",
        ),
        ("max_power = \"200 W\"", "expected watts from 10 to 2000"),
        (
            "max_temperature = 111",
            "expected degrees Celsius from 30 to 110",
        ),
        (
            "hours = \"8-9\"",
            "hours: found string \"8-9\", expected ranges of times of day",
        ),
        (
            "hours = []",
            "hours: found sequence, expected ranges of times of day",
        ),
        ("advice = \"seldom\"", "expected true or false"),
        ("metrics = \"everywhere\"", "expected an address and a port"),
        ("log_format = \"xml\"", "expected text or json"),
        (
            "allow_private_blob_servers = \"maybe\"",
            "expected true or false",
        ),
        ("data = \"\"", "data: expected a path"),
        ("[url]\nhost = \"x\"", "url: found map, expected a text"),
    ];
    for (file, says) in table {
        let gathered = gather(Some(file), &[], &[]);
        let path = gathered.path.clone();
        let refused = gathered.refused();
        assert!(
            matches!(&refused, SettingsError::Invalid { origin: Origin::File(file), .. } if *file == path),
            "{refused:?}"
        );
        let message = refused.to_string().replace('`', "");
        assert!(
            message.contains(&says.replace('`', "")),
            "{file}: {message}"
        );
        assert!(
            message.starts_with(&path.display().to_string()),
            "{message}"
        );
    }
}

#[test]
fn wrong_values_of_environment_and_flags_name_those() {
    let refused = gather(None, &[("MIZAN_WORKER_CACHE_DAYS", "many")], &[]).refused();
    let message = refused.to_string();
    assert!(message.contains("MIZAN_WORKER_CACHE_DAYS"), "{message}");
    assert!(message.contains("a number from 1"), "{message}");
    let message = gather(None, &[], &[("max_job_bytes", "4 XiB")])
        .refused()
        .to_string();
    assert!(message.starts_with("--max-job-bytes: "), "{message}");
}

#[test]
fn unknown_settings_are_refused_wherever_they_stand() {
    let gathered = gather(Some("memroy = 1"), &[], &[]);
    let path = gathered.path.display().to_string();
    let refused = gathered.refused();
    assert!(matches!(&refused, SettingsError::Unknown { name, .. } if name == "memroy"));
    let message = refused.to_string();
    assert!(
        message.starts_with(&path) && message.contains("max_job_bytes"),
        "{message}"
    );
    let message = gather(None, &[("MIZAN_WORKER_MEMROY", "1")], &[])
        .refused()
        .to_string();
    assert!(message.contains("MIZAN_WORKER_MEMROY"), "{message}");
}

#[test]
fn files_that_are_missing_or_no_toml_are_named() {
    let gathered = gather(Some("url = \nmemory"), &[], &[]);
    let path = gathered.path.clone();
    assert!(
        matches!(gathered.refused(), SettingsError::NotToml { path: named, .. } if named == path)
    );
    let missing = Layers::gather(
        Some(Path::new("/nonexistent")),
        &environment(&[]),
        &Flags::new(),
    );
    assert!(matches!(missing, Err(SettingsError::Unreadable { .. })));
}

#[test]
fn a_key_file_of_more_weight_goes_before_a_secret_and_the_other_way_round() {
    let secret = [("MIZAN_WORKER_KEY", "//Alice")];
    let has_secret = |file: Option<&str>, flags: &[(&'static str, &str)]| {
        gather(file, &secret, flags).settings().key.is_some()
    };
    assert!(has_secret(None, &[]));
    assert!(has_secret(Some("key_file = \"k\""), &[]));
    assert!(!has_secret(None, &[("key_file", "k")]));
}

#[test]
fn secrets_are_refused_in_files_and_never_shown() {
    let refused = gather(Some("key = \"//Alice\""), &[], &[])
        .refused()
        .to_string();
    assert!(
        refused.contains("key_file") && !refused.contains("//Alice"),
        "{refused}"
    );
    let gathered = gather(None, &[], &[("key", "//Alice")]);
    let layers = gathered.layers.as_ref().unwrap();
    let shown = format!("{:?} {:?}", layers.shown().unwrap(), gathered.settings());
    assert!(
        !shown.contains("//Alice") && shown.contains("(hidden)"),
        "{shown}"
    );
}

#[test]
fn paths_in_a_file_are_relative_to_it() {
    let gathered = gather(
        Some("blobs = \"b\"\nkey_file = \"/k\""),
        &[],
        &[("data", "d")],
    );
    let settings = gathered.settings();
    assert_eq!(settings.blobs, gathered.path.parent().unwrap().join("b"));
    assert_eq!(settings.key_file, Path::new("/k"));
    assert_eq!(settings.data, Path::new("d"));
}

#[test]
fn a_port_alone_is_served_to_this_machine_only() {
    let listen = |text: &str| gather(None, &[], &[("metrics", text)]).settings();
    let local = listen("9615");
    assert_eq!(local.metrics.unwrap().to_string(), "127.0.0.1:9615");
    assert!(!local.metrics_are_public());
    assert!(listen("0.0.0.0:1").metrics_are_public());
    assert!(!listen("[::1]:1").metrics_are_public());
}

#[test]
fn lists_and_sizes_are_read_as_people_write_them() {
    let variables = [
        ("MIZAN_WORKER_BLOB_SERVERS", "http://a, https://b"),
        ("MIZAN_WORKER_CACHE_BYTES", "3 MiB"),
    ];
    let settings = gather(None, &variables, &[]).settings();
    assert_eq!(settings.blob_servers, ["http://a", "https://b"]);
    assert_eq!(settings.cache_bytes, 3 << 20);
    let slow = gather(None, &[], &[("speed", "1000"), ("advice", "false")]).settings();
    assert_eq!((slow.speed, slow.advice), (Speed::Macs(1_000), false));
    let device = gather(
        Some("devices = [0, 2]\ndevice_memory = \"6 GiB\""),
        &[],
        &[],
    )
    .settings();
    assert_eq!(device.devices, [0, 2]);
    assert_eq!(device.device_memory, Some(6 << 30));
    let flags = [("device", "cpu"), ("devices", "1, 3")];
    let device = gather(None, &[], &flags).settings();
    assert_eq!(
        (device.device, &*device.devices),
        (DeviceUse::Cpu, &[1, 3][..])
    );
    let file = "max_power = 250\nmax_temperature = 80\nhours = [\"22:00-8:00\", \"12:00-13:00\"]";
    let variables = [
        ("MIZAN_WORKER_IDLE_ONLY", "true"),
        ("MIZAN_WORKER_IDLE_SECONDS", "9"),
    ];
    let limits = gather(Some(file), &variables, &[]).settings();
    assert!(limits.idle_only && limits.idle.as_secs() == 9);
    let (power, celsius) = (limits.max_power_watts, limits.max_temperature_celsius);
    assert_eq!((power, celsius), (Some(250), Some(80)));
    let hours = limits.hours.map(|hours| hours.to_string());
    assert_eq!(hours.as_deref(), Some("22:00-08:00,12:00-13:00"));
    let huge = gather(None, &[], &[("memory", "99999999999 TiB")]).refused();
    assert!(matches!(
        huge,
        SettingsError::Invalid { name: "memory", .. }
    ));
}

#[test]
fn the_written_file_is_read_and_so_is_each_of_its_lines() {
    let settings = gather(Some(&template()), &[], &[]).settings();
    assert_eq!(settings.url, "ws://127.0.0.1:9944");
    for field in FIELDS.iter().filter(|field| field.name != "key") {
        let line = format!("{} = {}", field.name, field.example);
        assert!(template().contains(&format!("#{line}\n")), "{line}");
        let gathered = gather(Some(&line), &[], &[]);
        gathered.settings();
        assert_eq!(
            gathered.origin(field.name),
            Origin::File(gathered.path.clone())
        );
    }
}

#[test]
fn without_a_home_the_data_folder_must_be_named() {
    let nowhere = Layers::gather(None, &Environment::new(), &Flags::new());
    assert!(matches!(nowhere, Err(SettingsError::NoHome)));
    let flags = Flags::from([("data", "/d".to_owned())]);
    Layers::gather(None, &Environment::new(), &flags)
        .unwrap()
        .settings()
        .unwrap();
}
