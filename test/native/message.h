// One message as a player got it, whatever framed it.
#ifndef SRS_TEST_MESSAGE_H_
#define SRS_TEST_MESSAGE_H_

#include <cstdint>
#include <string>

struct Message {
  uint8_t type;
  uint32_t timestamp;
  uint32_t stream_id;
  std::string payload;
};

#endif  // SRS_TEST_MESSAGE_H_
