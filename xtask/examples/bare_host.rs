//! The least a native-messaging host can be: it gives every frame back. The bridge is measured beside it.

use std::io::{Read, Write};

fn main() -> std::io::Result<()> {
    let (mut input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
    let mut frame = Vec::new();
    loop {
        let mut length = [0; 4];
        if input.read_exact(&mut length).is_err() {
            return Ok(());
        }
        frame.resize(u32::from_ne_bytes(length) as usize, 0);
        input.read_exact(&mut frame)?;
        output.write_all(&length)?;
        output.write_all(&frame)?;
        output.flush()?;
    }
}
