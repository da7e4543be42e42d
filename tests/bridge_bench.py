"""A round trip from an add-on's page to the host and back, beside a host that only gives every frame back.

Both are started by the same real Thunderbird, and the calls alternate, so that both meet the same machine. Prints a
table; nothing passes or fails.
"""

import json
import os
import statistics
import subprocess
import tempfile
import zipfile
from pathlib import Path

from lib import built
from lib.home import Home
from lib.profile import write_profile
from lib.thunderbird import Thunderbird

BARE_NAME = "org.p2p_sip.bare"
ROUNDS = 3000
AIM = 1.3

# The host takes calls from this id only, so the measuring add-on has it too, in a profile of its own.
MANIFEST = {
    "manifest_version": 3,
    "name": "Measures the bridge",
    "version": built.version(),
    "browser_specific_settings": {"gecko": {"id": built.ADDON_ID}},
    "permissions": ["nativeMessaging"],
}

MEASURE = """
const [hostName, bareName, version, rounds, done] = arguments;
(async () => {
  const open = name => {
    const port = browser.runtime.connectNative(name);
    let answered;
    port.onMessage.addListener(message => {
      if ("id" in message) {
        answered(message);
      }
    });
    port.onDisconnect.addListener(() => answered?.({ error: String(port.error) }));
    return message => new Promise(resolve => {
      answered = resolve;
      port.postMessage(message);
    });
  };
  const host = open(hostName);
  const bare = open(bareName);
  const hello = { client: "corella-addon", version, profile: "bench" };
  const welcome = await host({ jsonrpc: "2.0", id: 0, method: "hello", params: hello });
  if (!welcome.result) {
    throw new Error(JSON.stringify(welcome));
  }
  const call = { jsonrpc: "2.0", id: 1, method: "status", params: {} };
  const answer = await host(call);
  const times = { host: [], bare: [] };
  for (let round = 0; round < rounds; round++) {
    for (const [name, ask, message] of [["bare", bare, answer], ["host", host, call]]) {
      const begun = performance.now();
      await ask(message);
      times[name].push(performance.now() - begun);
    }
  }
  return times;
})().then(done, error => done({ error: String(error) }));
"""


def register_bare_host(home: Home) -> None:
    """Puts the bare host's manifest beside ours."""
    manifest = {
        "name": BARE_NAME,
        "description": "gives every frame back",
        "path": os.environ["BARE_HOST"],
        "type": "stdio",
        "allowed_extensions": [built.ADDON_ID],
    }
    folder = home.root / ".mozilla" / "native-messaging-hosts"
    (folder / f"{BARE_NAME}.json").write_text(json.dumps(manifest))


def measuring_addon(folder: Path) -> Path:
    """An add-on with one empty page."""
    xpi = folder / "bench.xpi"
    with zipfile.ZipFile(xpi, "w") as package:
        package.writestr("manifest.json", json.dumps(MANIFEST))
        package.writestr("page.html", "<!doctype html><title>bench</title>")
    return xpi


def measure(folder: Path) -> dict[str, list[float]]:
    """Both hosts' times in milliseconds."""
    home = Home(folder)
    home.configure(bootstrap=[])
    subprocess.run([built.host(), "install"], env=home.environment(), check=True, capture_output=True)
    register_bare_host(home)
    # Clocks are coarse by default, against pages that measure what they should not.
    fine = {"marionette.port": 0, "privacy.reduceTimerPrecision": False}
    write_profile(folder / "profile", measuring_addon(folder), None, "", fine)
    thunderbird = Thunderbird(home, None)
    try:
        thunderbird.start()
        thunderbird.open_page("page.html")
        thunderbird.marionette.timeout.script = 600
        arguments = [built.HOST_NAME, BARE_NAME, built.version(), ROUNDS]
        times = thunderbird.marionette.execute_async_script(MEASURE, script_args=arguments, sandbox=None)
    finally:
        thunderbird.kill()
    if "error" in times:
        raise RuntimeError(times["error"])
    return times


def main() -> None:
    """Measures and prints."""
    with tempfile.TemporaryDirectory(prefix="corella-bench-") as folder:
        times = measure(Path(folder))
    print(f"round trip add-on to host, {ROUNDS} each, alternating     p50        p99")
    for name, label in [("bare", "a host that gives every frame back"), ("host", "corella, `status`")]:
        cuts = statistics.quantiles(times[name], n=100)
        print(f"  {label:45} {cuts[49]:6.2f} ms  {cuts[98]:6.2f} ms")
    ratio = statistics.median(times["host"]) / statistics.median(times["bare"])
    print(f"  ratio of p50 {ratio:.2f} (aim {AIM})")


if __name__ == "__main__":
    main()
