#include <inttypes.h>
#include <stdio.h>
#include <tocsin.h>

#define CHAT_MESSAGE(F) F(string, text) F(u64, user) F(bool, urgent)
TOCSIN_LAYOUT(chat_message, CHAT_MESSAGE);

static int print_line(const struct tocsin_info *info, void *arg)
{
    const struct chat_message *message = chat_message_of(info);

    printf("[%s] %" PRIu64 ": %s\n", (const char *)arg, message->user, message->text);
    return TOCSIN_NEXT;
}

static int print_json(const struct tocsin_info *info, void *arg)
{
    struct tocsin_field field;

    (void)arg;
    printf("{\"signal\":\"%s\",\"room\":\"%s\"", info->name,
           (const char *)tocsin_source_get(info->source));
    for (int i = 0; tocsin_payload_field(info->payload, i, &field) == 0; i++) {
        printf(",\"%s\":", field.name);
        switch (field.type) {
        case TOCSIN_BOOL: printf("%s", field.value.boolean ? "true" : "false"); break;
        case TOCSIN_U64: printf("%" PRIu64, field.value.u64); break;
        case TOCSIN_STRING:
            printf("\"%s\"", field.value.string);
            break; /* a real program would escape the text for HTML */
        default: printf("null");
        }
    }
    puts("}");
    return TOCSIN_NEXT;
}

int main(void)
{
    static char hall[] = "hall", garden[] = "garden";
    struct tocsin_source in_hall, in_garden;
    int said = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = "chat.said",
                                      .doc = "Somebody said something in a room (the source).",
                                      .layout = &chat_message_layout });

    tocsin_source_new(hall, &in_hall);
    tocsin_source_new(garden, &in_garden);
    tocsin_connect("chat.said",
                   &(struct tocsin_action){ .fn = print_line, .arg = hall, .source = in_hall },
                   NULL);
    tocsin_observe("chat.*", &(struct tocsin_action){ .fn = print_json }, NULL);

    tocsin_emit_from(in_hall, said,
                     TOCSIN_PAYLOAD(chat_message, .text = "good evening", .user = 7));
    tocsin_emit_from(in_garden, said,
                     TOCSIN_PAYLOAD(chat_message, .text = "rain!", .user = 8, .urgent = true));
    return tocsin_source_free(in_hall) | tocsin_source_free(in_garden);
}
