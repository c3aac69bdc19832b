//! The command line.

use clap::{Args, Parser, Subcommand};
use mizan_client::units;
use mizan_worker::settings::{Environment, Flags, Layers, SettingsError};
use std::path::PathBuf;

/// What `--help` says after everything else.
const AFTER_HELP: &str = "Settings come from flags, then the environment (MIZAN_WORKER_ and the \
name in capitals, as in
MIZAN_WORKER_URL), then the configuration file, then defaults. `config show` says what counts and
where it comes from, `config init` writes a file that explains every setting.

Exit codes:
  0  stopped by SIGTERM or SIGINT, or done
  1  anything else
  2  wrong usage
  3  the key or the configuration can't be used
  4  the node's runtime is another than this program was built for, or its chain another than the
     journal's
  5  the journal or the blob folder can't be used, or another worker uses the journal
  6  the chain refused a call
  7  another process uses the same key
  8  `doctor` found a problem
  9  the worker was convicted, and has nothing left to answer for
 10  the account that is to audit is not a registered auditor
 11  no GPU can be used, and --device is cuda; or a GPU can't be watched as --idle-only,
     --max-power or --max-temperature demand";

/// The daemon of a Mizan worker: takes jobs, computes them, attests the results, audits others'.
#[derive(Parser)]
#[command(name = "mizan-worker", version, after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Work until told to stop.
    Run(Options),
    /// Audit claimed results as a bonded auditor until told to stop.
    ///
    /// The key must be an auditor's: `mizan auditor register --bond MZN` makes it one. Whenever the
    /// chain draws it for a result, it checks what was drawn and gives its verdict: it passes the
    /// result, proves it wrong, or says that not all could be had although the worker answered its
    /// demands. It opens its receipts when they are demanded. Computes on the processor only.
    ///
    /// --ask, --max-job-bytes, --hours and those about GPUs do nothing here.
    Audit(Options),
    /// Register the key as provider and worker, as far as it is not yet.
    Register(Register),
    /// Examine everything that a worker needs, and say how to mend what is wrong.
    Doctor(Shown),
    /// Measure how fast the processor and the GPUs compute, and say what that earns.
    ///
    /// Layers of networks are computed as jobs are, some seconds for the processor and for each
    /// GPU with which `run` would compute. Where `run` would end with 11, so does this. The
    /// earnings are those of an hour without a pause, by the chain's least price, by this worker's
    /// ask and by what was paid last; without a node they are left out.
    Bench(Shown),
    /// Make or show the worker's key.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Show the settings, or begin a configuration file.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Drive a device: what `run` and `doctor` start for each, and people never.
    #[command(hide = true)]
    CudaChild,
    /// Read how devices are: what `run` and `doctor` start, and people never.
    #[command(hide = true)]
    NvmlChild,
}

#[derive(Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a new key in the key file, which only you can read. Nothing is written over.
    New(Options),
    /// Show the key's address and where it comes from, never its secret.
    Show(Shown),
}

#[derive(Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show every setting and where it comes from.
    Show(Box<Shown>),
    /// Write a configuration file in which everything is explained. Nothing is written over.
    Init(Init),
}

impl Command {
    /// The options of all commands but `config init`, which needs none.
    pub(crate) fn options(&self) -> Options {
        match self {
            Self::Run(options) | Self::Audit(options) | Self::Key(KeyCommand::New(options)) => {
                options.clone()
            }
            Self::Register(register) => register.options.clone(),
            Self::Doctor(shown) | Self::Bench(shown) | Self::Key(KeyCommand::Show(shown)) => {
                shown.options.clone()
            }
            Self::Config(ConfigCommand::Show(shown)) => shown.options.clone(),
            Self::Config(ConfigCommand::Init(_)) | Self::CudaChild | Self::NvmlChild => {
                Options::default()
            }
        }
    }
}

/// Settings as flags. What they may be is checked where all layers come together.
#[derive(Args, Clone, Default)]
pub(crate) struct Options {
    /// The configuration file [default: $XDG_CONFIG_HOME/mizan/worker.toml, if it is there].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The node's address.
    #[arg(long)]
    url: Option<String>,
    /// Folder of the journal and, unless named otherwise, of key and blobs. One for each worker
    /// and chain [default: $XDG_DATA_HOME/mizan/worker].
    #[arg(long, value_name = "FOLDER")]
    data: Option<String>,
    /// Secret URI of the worker's key. Other users of this machine can see it: for development
    /// keys like //Alice only.
    #[arg(long, value_name = "SECRET", conflicts_with = "key_file")]
    key: Option<String>,
    /// File with the secret URI, readable by nobody else [default: `key` in the data folder].
    #[arg(long, value_name = "FILE")]
    key_file: Option<String>,
    /// Folder of blobs: inputs and parameters are looked for there first, results go there
    /// [default: `blobs` in the data folder].
    #[arg(long, value_name = "FOLDER")]
    blobs: Option<String>,
    /// Least price per compute unit, in MZN: set before working if the chain has another.
    #[arg(long, value_name = "MZN")]
    ask: Option<String>,
    /// Memory for the tensors of all jobs at once, like "8 GiB"; auto: half of the machine's.
    #[arg(long, value_name = "BYTES")]
    memory: Option<String>,
    /// Most bytes of inputs, parameters and trace of one job; larger ones are declined.
    #[arg(long, value_name = "BYTES")]
    max_job_bytes: Option<String>,
    /// What computes jobs. auto: the NVIDIA GPUs, or the processor if none can be used. cpu: the
    /// processor alone. cuda: the GPUs, or `run` ends with 11. What the GPUs can't do the processor
    /// does.
    #[arg(long, value_name = "auto|cpu|cuda")]
    device: Option<String>,
    /// Which GPUs, with commas between, by the numbers that `doctor` shows [default: all].
    #[arg(long, value_name = "NUMBERS")]
    devices: Option<String>,
    /// Most memory of each GPU for parameters that stay there between jobs [default: three
    /// quarters of what is free].
    #[arg(long, value_name = "BYTES")]
    device_memory: Option<String>,
    /// Give no work to a GPU that another program uses, but for accepted jobs that would be late
    /// otherwise. While all of them are in use no new jobs are taken.
    #[arg(long)]
    idle_only: bool,
    /// How long no other program may have used a GPU before --idle-only gives it work again.
    #[arg(long, value_name = "SECONDS")]
    idle_seconds: Option<String>,
    /// Watts that each GPU draws at most, on average: between parts of jobs it waits.
    #[arg(long, value_name = "WATTS")]
    max_power: Option<String>,
    /// Degrees from which a GPU gets no work until it has cooled down by 5.
    #[arg(long, value_name = "CELSIUS")]
    max_temperature: Option<String>,
    /// Times of day at which new jobs are taken, like 22:00-08:00, with commas between. Accepted
    /// ones are finished whenever that is [default: always].
    #[arg(long, value_name = "RANGES")]
    hours: Option<String>,
    /// Blob servers of your own, with commas between: asked after those that the job names, and
    /// given results too.
    #[arg(long, value_name = "URLS")]
    blob_servers: Option<String>,
    /// Let jobs name blob servers at private or loopback addresses. Strangers name them: this
    /// lets them reach into your network.
    #[arg(long)]
    allow_private_blob_servers: bool,
    /// Most bytes of blobs kept that no unsettled job needs.
    #[arg(long, value_name = "BYTES")]
    cache_bytes: Option<String>,
    /// Days after which such a blob is removed if no job used it.
    #[arg(long, value_name = "DAYS")]
    cache_days: Option<String>,
    /// Most demands that `audit` pays for, for each audit. Beyond 64 they get dearer.
    #[arg(long, value_name = "N")]
    max_demands: Option<String>,
    /// Bytes a second from blob servers: by it `audit` chooses what it fetches.
    #[arg(long, value_name = "BYTES")]
    bandwidth: Option<String>,
    /// Multiply-accumulates a second on which `audit` counts; auto: measured when it starts.
    #[arg(long, value_name = "MACS")]
    speed: Option<String>,
    /// true: `run` gives accumulators to whoever audits a whole result, so that it need not be
    /// executed again, and `audit` takes them. Paid jobs go first.
    #[arg(long, value_name = "BOOL")]
    advice: Option<String>,
    /// Address and port for Prometheus' /metrics and for /health; a port alone means 127.0.0.1.
    #[arg(long, value_name = "ADDRESS")]
    metrics: Option<String>,
    /// text or json.
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// Longest time to wait for one answer of the node.
    #[arg(long, value_name = "SECONDS")]
    request_seconds: Option<String>,
    /// Longest time that running steps get when the worker is told to stop.
    #[arg(long, value_name = "SECONDS")]
    stop_seconds: Option<String>,
}

impl Options {
    /// All layers, with these flags on top.
    pub(crate) fn layers(&self, environment: &Environment) -> Result<Layers, SettingsError> {
        Layers::gather(self.config.as_deref(), environment, &self.flags())
    }

    fn flags(&self) -> Flags {
        let allow = self.allow_private_blob_servers.then(|| "true".to_owned());
        let idle_only = self.idle_only.then(|| "true".to_owned());
        let all = [
            ("url", &self.url),
            ("data", &self.data),
            ("key", &self.key),
            ("key_file", &self.key_file),
            ("blobs", &self.blobs),
            ("ask", &self.ask),
            ("memory", &self.memory),
            ("max_job_bytes", &self.max_job_bytes),
            ("device", &self.device),
            ("devices", &self.devices),
            ("device_memory", &self.device_memory),
            ("idle_only", &idle_only),
            ("idle_seconds", &self.idle_seconds),
            ("max_power", &self.max_power),
            ("max_temperature", &self.max_temperature),
            ("hours", &self.hours),
            ("blob_servers", &self.blob_servers),
            ("allow_private_blob_servers", &allow),
            ("cache_bytes", &self.cache_bytes),
            ("cache_days", &self.cache_days),
            ("max_demands", &self.max_demands),
            ("bandwidth", &self.bandwidth),
            ("speed", &self.speed),
            ("advice", &self.advice),
            ("metrics", &self.metrics),
            ("log_format", &self.log_format),
            ("request_seconds", &self.request_seconds),
            ("stop_seconds", &self.stop_seconds),
        ];
        all.into_iter()
            .filter_map(|(name, value)| Some((name, value.clone()?)))
            .collect()
    }
}

/// A command whose result can be shown to a machine.
#[derive(Args)]
pub(crate) struct Shown {
    #[command(flatten)]
    pub(crate) options: Options,
    /// Write one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct Register {
    #[command(flatten)]
    pub(crate) options: Options,
    /// Least bond of the provider, in MZN. A larger one stays.
    #[arg(long, value_name = "MZN", value_parser = units::parse_amount)]
    pub(crate) bond: u128,
    /// Jobs that the worker can do at once.
    #[arg(long, default_value_t = 1)]
    pub(crate) slots: u32,
    /// Write one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct Init {
    /// The file to write [default: $XDG_CONFIG_HOME/mizan/worker.toml].
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;
    use mizan_worker::settings::{Origin, FIELDS};

    fn options(words: &[&str]) -> Result<Options, clap::Error> {
        let words = ["mizan-worker", "run"].iter().chain(words);
        Arguments::try_parse_from(words).map(|arguments| arguments.command.options())
    }

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn help_says_what_it_said() {
        let mut command = Arguments::command().term_width(100);
        command.build();
        insta::assert_snapshot!("help", command.render_long_help());
        for name in ["run", "audit", "register", "doctor"] {
            let found = command.find_subcommand_mut(name).unwrap();
            insta::assert_snapshot!(format!("help-{name}"), found.render_long_help());
        }
    }

    #[test]
    fn at_most_one_key_is_given() {
        assert!(options(&[]).is_ok());
        assert!(options(&["--key", "//Alice"]).is_ok());
        assert!(options(&["--key-file", "key"]).is_ok());
        assert!(options(&["--key", "//Alice", "--key-file", "key"]).is_err());
    }

    #[test]
    fn every_setting_has_its_flag() {
        for field in FIELDS {
            let flag = format!("--{}", field.name.replace('_', "-"));
            let value = field.example.trim_matches(['"', '[', ']']).replace('"', "");
            let words = match field.name {
                "allow_private_blob_servers" | "idle_only" => vec![flag.as_str()],
                _ => vec![flag.as_str(), value.as_str()],
            };
            let environment = Environment::from([("HOME".to_owned(), "/home/x".to_owned())]);
            let layers = options(&words).unwrap().layers(&environment).unwrap();
            layers.settings().unwrap();
            assert_eq!(layers.origin(field.name), Origin::Flag(flag));
        }
    }
}
