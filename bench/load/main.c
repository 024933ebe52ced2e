// Load generator for RTMP servers: chooses the command.
#include <stdio.h>
#include <string.h>

#include "load.h"

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    int (*run)(void);
  } commands[] = {{"play", run_play},  {"watch", run_watch},     {"publish", run_publish},
                  {"hls", run_hls},    {"connect", run_connect}, {"get", run_get},
                  {"floor", run_floor}};
  parse_options(argc, argv);
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
    if (strcmp(options.command, commands[i].name) == 0) return commands[i].run();
  die("no command %s; see load --help", options.command);
}
