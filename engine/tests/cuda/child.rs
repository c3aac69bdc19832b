//! A device's process for tests: as the worker's, or one that misbehaves.

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    use std::io::{stdout, Write};

    let behaviour = std::env::args().nth(1).unwrap_or_default();
    let say = |bytes: &[u8]| {
        let mut stdout = stdout();
        // Whoever listens may be gone.
        let _ = stdout.write_all(bytes).and_then(|()| stdout.flush());
    };
    match behaviour.as_str() {
        "serve" => return mizan_engine::cuda::serve_child(),
        "ends" => {
            eprintln!("no reason");
            return std::process::ExitCode::from(3);
        }
        "hangs" => (),
        "another-program" => say(b"Usage: another-program [OPTIONS]\n"),
        "newer-version" => say(b"mizancud\xff\xff"),
        "noise" => say(b"mizancud\x04\x00\x04\x00\x00\x00noise"),
        "long-message" => say(b"mizancud\x04\x00\xff\xff\xff\xff"),
        "unasked-answer" => say(b"mizancud\x04\x00\x05\x00\x00\x00\x04\x00\x00\x00\x00"),
        other => eprintln!("no such behaviour: {other}"),
    }
    // The parent ends it long before.
    std::thread::sleep(std::time::Duration::from_secs(60));
    std::process::ExitCode::from(3)
}

#[cfg(not(target_os = "linux"))]
fn main() {}
