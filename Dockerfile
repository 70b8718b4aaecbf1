# The relay with the page and the bundled model. Build: docker build -t infernet-relay .
FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Applied by npm's postinstall; without them the mesh stalls.
COPY patches patches
RUN npm ci
COPY . .
RUN npm run build && npm prune --omit=dev --omit=optional --omit=peer --ignore-scripts

FROM node:24-slim
ENV NODE_ENV=production \
    INFERNET_HOST=0.0.0.0 \
    INFERNET_PORT=8080 \
    INFERNET_DATA_FOLDER=/data
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/shared shared
COPY --from=build /app/relay relay
COPY --from=build /app/web/dist web/dist
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 8080
# A relay that speaks https itself answers here over https, with a certificate for another name.
HEALTHCHECK --start-period=20s --interval=30s --timeout=5s \
  CMD ["node", "-e", "process.env.NODE_TLS_REJECT_UNAUTHORIZED='0';fetch((process.env.INFERNET_TLS_CERT?'https':'http')+'://127.0.0.1:'+process.env.INFERNET_PORT+'/health').then((answer)=>process.exit(answer.ok?0:1),()=>process.exit(1))"]
# The signal for a graceful stop reaches node itself: no shell and no npm in between.
ENTRYPOINT ["node", "relay/main.ts"]
