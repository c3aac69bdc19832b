//! Settings as `config show` gives them.

use super::{values::format_bytes, DeviceUse, LogFormat, Memory, Settings, Speed};
use mizan_client::units;
use serde_json::json;

/// The value of a setting; of a secret only whether there is one.
pub(super) fn value(settings: &Settings, name: &str) -> serde_json::Value {
    match name {
        "url" => json!(settings.url),
        "data" => json!(settings.data),
        "key_file" => json!(settings.key_file),
        "key" => settings
            .key
            .as_ref()
            .map_or(json!(null), |_| json!("(hidden)")),
        "blobs" => json!(settings.blobs),
        "ask" => settings
            .ask
            .map_or(json!(null), |ask| json!(units::format_amount(ask))),
        "memory" => match settings.memory {
            Memory::Auto => json!("auto"),
            Memory::Bytes(bytes) => json!(format_bytes(bytes)),
        },
        "max_job_bytes" => json!(format_bytes(settings.max_job_bytes)),
        "device" => match settings.device {
            DeviceUse::Auto => json!("auto"),
            DeviceUse::Cpu => json!("cpu"),
            DeviceUse::Cuda => json!("cuda"),
        },
        "devices" => match settings.devices.is_empty() {
            true => json!("all"),
            false => json!(settings.devices),
        },
        "device_memory" => json!(settings.device_memory.map(format_bytes)),
        "idle_only" => json!(settings.idle_only),
        "idle_seconds" => json!(settings.idle.as_secs()),
        "max_power" => json!(settings.max_power_watts),
        "max_temperature" => json!(settings.max_temperature_celsius),
        "hours" => json!(settings.hours.as_ref().map(ToString::to_string)),
        "blob_servers" => json!(settings.blob_servers),
        "allow_private_blob_servers" => json!(settings.allow_private_blob_servers),
        "cache_bytes" => json!(format_bytes(settings.cache_bytes)),
        "cache_days" => json!(settings.cache_age.as_secs() / (24 * 60 * 60)),
        "max_demands" => json!(settings.max_demands),
        "bandwidth" => json!(format_bytes(settings.bandwidth)),
        "speed" => match settings.speed {
            Speed::Auto => json!("auto"),
            Speed::Macs(macs) => json!(macs.to_string()),
        },
        "advice" => json!(settings.advice),
        "metrics" => json!(settings.metrics),
        "log_format" => match settings.log_format {
            LogFormat::Text => json!("text"),
            LogFormat::Json => json!("json"),
        },
        "request_seconds" => json!(settings.request.as_secs()),
        "stop_seconds" => json!(settings.stop.as_secs()),
        _ => json!(null),
    }
}
