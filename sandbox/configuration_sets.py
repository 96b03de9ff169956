"""SESv2 configuration sets and their event destinations."""

from __future__ import annotations

from typing import Any

from sandbox.state import State
from sandbox.wire import AwsProblem


class ConfigurationSets:
    """The configuration set operations of SESv2, by AWS's names; each raises AwsProblem."""

    state: State

    def find_configuration_set(self, region: str, name: str) -> dict[str, Any]:
        found: dict[str, Any] | None = self.state.tree["configuration_sets"].get(f"{region} {name}")
        if found is None:
            raise AwsProblem("NotFoundException", f"Configuration set {name} does not exist.", 404)
        return found

    def CreateConfigurationSet(self, region: str, ConfigurationSetName: str, **_: Any) -> None:
        key = f"{region} {ConfigurationSetName}"
        if key in self.state.tree["configuration_sets"]:
            raise AwsProblem("AlreadyExistsException", f"Configuration set {ConfigurationSetName} already exists.")
        self.state.tree["configuration_sets"][key] = {"destinations": []}

    def GetConfigurationSet(self, region: str, ConfigurationSetName: str) -> dict[str, Any]:
        self.find_configuration_set(region, ConfigurationSetName)
        return {"ConfigurationSetName": ConfigurationSetName}

    def DeleteConfigurationSet(self, region: str, ConfigurationSetName: str) -> None:
        self.find_configuration_set(region, ConfigurationSetName)
        del self.state.tree["configuration_sets"][f"{region} {ConfigurationSetName}"]

    def GetConfigurationSetEventDestinations(self, region: str, ConfigurationSetName: str) -> dict[str, Any]:
        return {"EventDestinations": self.find_configuration_set(region, ConfigurationSetName)["destinations"]}

    def CreateConfigurationSetEventDestination(
        self, region: str, ConfigurationSetName: str, EventDestinationName: str, EventDestination: dict[str, Any]
    ) -> None:
        destinations = self.find_configuration_set(region, ConfigurationSetName)["destinations"]
        if any(each["Name"] == EventDestinationName for each in destinations):
            raise AwsProblem("AlreadyExistsException", "The event destination already exists.")
        destinations.append({"Name": EventDestinationName, **EventDestination})

    def UpdateConfigurationSetEventDestination(
        self, region: str, ConfigurationSetName: str, EventDestinationName: str, EventDestination: dict[str, Any]
    ) -> None:
        destinations = self.find_configuration_set(region, ConfigurationSetName)["destinations"]
        for index, each in enumerate(destinations):
            if each["Name"] == EventDestinationName:
                destinations[index] = {"Name": EventDestinationName, **EventDestination}
                return
        raise AwsProblem("NotFoundException", "There is no such event destination.", 404)
