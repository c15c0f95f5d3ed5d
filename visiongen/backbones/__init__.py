"""What paints: the interface of every image generator, and the embedded one."""
