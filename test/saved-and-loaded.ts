import * as tf from '@tensorflow/tfjs'

/** The model after `model.save` and `tf.loadLayersModel`, its topology having been text as in a file. */
export async function savedAndLoaded(model: tf.LayersModel): Promise<tf.LayersModel> {
  let saved: tf.io.ModelArtifacts = {}
  await model.save(
    tf.io.withSaveHandler((artifacts) => {
      saved = JSON.parse(JSON.stringify({ ...artifacts, weightData: undefined })) as tf.io.ModelArtifacts
      if (artifacts.weightData) saved.weightData = artifacts.weightData
      return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } })
    }),
  )
  return tf.loadLayersModel(tf.io.fromMemory(saved))
}
