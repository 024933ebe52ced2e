// The synthetic stream: FLV tag bodies of H.264 (and AAC) whose payload a player can check.
#include <stdlib.h>
#include <string.h>

#include "load.h"

enum { kVideo = 9, kAudio = 8, kData = 18, kAudioKbps = 48, kStampAt = 10, kStampSize = 20 };
enum { kSmallestFrame = 64, kAudioRate = 44100, kAudioSamples = 1024 };
static const char magic[4] = {'L', 'O', 'A', 'D'};

// H.264 baseline 3.0, 640x480: AVCDecoderConfigurationRecord behind the FLV video tag header.
static const uint8_t avc_header[] = {0x17, 0,    0, 0,    0,    1,    0x42, 0xc0, 0x1e, 0xff,
                                     0xe1, 0,    9, 0x67, 0x42, 0xc0, 0x1e, 0xda, 0x02, 0x80,
                                     0xf6, 0x40, 1, 0,    4,    0x68, 0xce, 0x3c, 0x80};
static const uint8_t aac_header[] = {0xaf, 0, 0x12, 0x10};  // AAC LC, 44.1 kHz, stereo

static uint32_t video_size(void) {
  uint32_t kbps =
      options.audio && options.kbps > kAudioKbps ? options.kbps - kAudioKbps : options.kbps;
  uint32_t size = kbps * 125 / options.fps;
  return size < kSmallestFrame ? kSmallestFrame : size;
}

static uint8_t filler(uint32_t at) { return (uint8_t)(at * 31 + 7); }

static void put_media(struct Bytes *b, int csid, uint8_t type, const struct Message *m) {
  struct Message typed = *m;
  typed.type = type;
  put_message(b, csid, &typed);
}

static void put_metadata(struct Bytes *b) {
  put_string(b, "@setDataFrame");
  put_string(b, "onMetaData");
  put_be(b, 8, 1);
  put_be(b, 4, 4);
  put_key(b, "width");
  put_number(b, 640);
  put_key(b, "height");
  put_number(b, 480);
  put_key(b, "framerate");
  put_number(b, options.fps);
  put_key(b, "videocodecid");
  put_number(b, 7);
  put_be(b, 9, 3);
}

void build_headers(struct Bytes *b, uint32_t stream_id, uint32_t timestamp) {
  struct Bytes metadata = {0};
  put_metadata(&metadata);
  struct Message m = {timestamp, (uint32_t)metadata.size, stream_id, 0, metadata.data};
  put_media(b, 5, kData, &m);
  free(metadata.data);
  m.length = sizeof avc_header;
  m.body = avc_header;
  put_media(b, 6, kVideo, &m);
  m.length = sizeof aac_header;
  m.body = aac_header;
  if (options.audio) put_media(b, 4, kAudio, &m);
}

void build_video(struct Bytes *b, const struct Session *s, uint32_t sequence, uint32_t timestamp) {
  static uint8_t *body;
  uint32_t size = video_size();
  if (!body) {
    body = malloc(size);
    for (uint32_t i = 0; i < size; i++) body[i] = filler(i);
  }
  bool key = sequence % options.gop == 0;
  struct Bytes head = {body, 0, size};
  put_be(&head, key ? 0x17 : 0x27, 1);
  put_be(&head, 1ull << 24, 4);
  put_be(&head, size - 9, 4);
  put_be(&head, key ? 0x65 : 0x41, 1);
  put_raw(&head, magic, sizeof magic);
  put_be(&head, sequence, 4);
  put_be(&head, s->index, 4);
  put_be(&head, now_ns(), 8);
  put_media(b, 6, kVideo, &(struct Message){timestamp, size, s->stream_id, 0, body});
}

void build_audio(struct Bytes *b, uint32_t stream_id, uint32_t timestamp) {
  uint8_t body[kAudioKbps * 125 * kAudioSamples / kAudioRate];
  for (uint32_t i = 0; i < sizeof body; i++) body[i] = filler(i);
  body[0] = 0xaf;
  body[1] = 1;
  put_media(b, 4, kAudio, &(struct Message){timestamp, sizeof body, stream_id, 0, body});
}

static bool is_stamped(const struct Message *m) {
  return m->type == kVideo && m->length >= kSmallestFrame && m->body[1] == 1 &&
         memcmp(m->body + kStampAt, magic, sizeof magic) == 0;
}

static bool filler_intact(const struct Message *m) {
  for (uint32_t i = kStampAt + kStampSize; i < m->length; i++)
    if (m->body[i] != filler(i)) return false;
  return true;
}

uint64_t check_message(struct Check *c, const struct Message *m) {
  uint32_t *last = &c->timestamps[m->type & 1];
  if (m->timestamp < *last) c->errors++;
  *last = m->timestamp;
  c->messages++;
  if (!is_stamped(m)) {
    if (m->type == kVideo && m->length != sizeof avc_header) c->errors++;
    return 0;
  }
  const uint8_t *stamp = m->body + kStampAt + sizeof magic;
  uint32_t sequence = get_be(stamp, 4), publisher = get_be(stamp + 4, 4);
  if (!c->seen_frame && m->body[0] != 0x17) c->errors++;
  if (c->seen_frame && sequence != c->sequence + 1) c->gaps++;
  if (c->seen_frame && publisher != c->publisher) c->errors++;
  if (!filler_intact(m)) c->errors++;
  c->seen_frame = true;
  c->sequence = sequence;
  c->publisher = publisher;
  return (uint64_t)get_be(stamp + 8, 4) << 32 | get_be(stamp + 12, 4);
}
