"""The values every other layer speaks in: they hold facts about the world and check themselves, nothing more."""
