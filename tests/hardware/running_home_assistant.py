"""Home Assistant with nothing but its MQTT integration: ``python running_home_assistant.py PORT FOLDER``.

Runs in the environment of Home Assistant, until its standard input ends. Writes a line of JSON whenever something
changes: the state of each entity in the registry by the entity's id, with its unique id and its device's name.
"""

import asyncio
import json
import sys
from pathlib import Path

from homeassistant import config_entries, core, loader
from homeassistant.helpers import (
    area_registry,
    device_registry,
    entity,
    entity_registry,
    issue_registry,
    restore_state,
    translation,
)

REGISTRIES = (area_registry, device_registry, entity_registry, issue_registry, restore_state)


async def started(port: int, folder: str) -> core.HomeAssistant:
    """Return a Home Assistant that has loaded the MQTT integration, its only one, for a broker on loopback."""
    Path(folder, "configuration.yaml").touch()
    assistant = core.HomeAssistant(folder)
    assistant.config.skip_pip = True
    loader.async_setup(assistant)
    entity.async_setup(assistant)
    translation.async_setup(assistant)
    assistant.config_entries = config_entries.ConfigEntries(assistant, {})
    for registry in REGISTRIES:
        await registry.async_load(assistant)
    assistant.config.components |= {
        "http",
        "file_upload",
        "websocket_api",
    }  # for its pages, which nobody opens
    entry = config_entries.ConfigEntry(
        version=1,
        minor_version=1,
        domain="mqtt",
        title="",
        source="user",
        data={"broker": "127.0.0.1", "port": port},
    )
    assistant.config_entries._entries[entry.entry_id] = entry
    await assistant.async_start()
    assert await assistant.config_entries.async_setup(entry.entry_id)
    return assistant


def states(assistant: core.HomeAssistant) -> dict[str, list[str]]:
    """Return state, unique id and name of the device of every entity."""
    devices = device_registry.async_get(assistant)
    found = {}
    for name, one in entity_registry.async_get(assistant).entities.items():
        if state := assistant.states.get(name):
            found[name] = [state.state, one.unique_id, devices.async_get(one.device_id).name]
    return found


async def main(port: int, folder: str) -> None:
    assistant = await started(port, folder)
    ended = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    told = None
    while not ended.done():
        if (now := states(assistant)) != told:
            print(json.dumps(now), flush=True)
            told = now
        await asyncio.sleep(0.02)
    await assistant.async_stop(force=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
