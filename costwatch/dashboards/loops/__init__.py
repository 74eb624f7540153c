"""The settings of loop detection, tried on the workspace's own runs before they are saved."""
