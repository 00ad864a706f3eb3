"""Models as their users write them: functions of arrays, without a node. The folder examples/functions is this one."""
